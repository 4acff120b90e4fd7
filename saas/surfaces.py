"""Gives the portal and the staff console hosts of their own, beside the API's."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from saas.lib.config import config

# Pages load what we serve ourselves and nothing else; pictures of products come from the stores.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class SurfaceMiddleware:
    """Chooses the routes by the host that was asked: API, portal or staff console."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._urlconfs = {
            config().portal_host: "saas.portal.urls",
            config().staff_host: "saas.staff.urls",
        }

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer from the routes of the host; the API's where it has none of its own."""
        urlconf = self._urlconfs.get(request.get_host())
        if urlconf is not None:
            request.urlconf = urlconf  # read by Django's handler
        response = self._get_response(request)
        if urlconf is not None:
            response.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response
