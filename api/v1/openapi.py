"""Shows the contract: the OpenAPI document, its pages, and the list of error codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request

from api.v1.documented_errors import error_kinds
from api.v1.views import PublicView

# Swagger UI carries its icons with it, and tries calls on this host alone.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

View = Callable[[HttpRequest], HttpResponse]


@cache
def openapi_document() -> bytes:
    """Return the document of both services; it changes only with the code."""
    generator: Any = SchemaGenerator  # untyped
    return orjson.dumps(generator().get_schema(request=None, public=True))


class OpenApiView(PublicView):
    """GET /v1/openapi.json."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return the OpenAPI 3.1 document."""
        return HttpResponse(openapi_document(), content_type="application/json")


@require_safe
def show_error_codes(request: HttpRequest) -> HttpResponse:
    """List every error code; a problem's `type` leads here."""
    kinds = [
        {"code": kind.code, "status": kind.status, "meaning": kind.__doc__}
        for kind in error_kinds()
    ]
    return render(request, "docs/errors.html", {"kinds": kinds})


def _strict(view: View) -> View:
    """Let a page load what this host serves and nothing that stands in the page itself."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        response = view(request)
        response["Content-Security-Policy"] = PAGE_POLICY
        return response

    return answer


show_calls = SpectacularSwaggerSplitView.as_view(
    url="/v1/openapi.json", url_self="/docs", template_name="docs/calls.html"
)
urlpatterns = [path("openapi.json", OpenApiView.as_view())]
docs_urlpatterns = [
    path("docs", _strict(show_calls)),
    path("docs/errors", _strict(show_error_codes)),
]
