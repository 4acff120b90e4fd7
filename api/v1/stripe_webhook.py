"""Where Stripe tells us that something has changed: signed by it, stored, answered at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from typing_extensions import override

from api.v1.parsers import read_bounded
from api.v1.views import PublicView
from billing.services.receive_stripe_event import receive_stripe_event


class SignedBytesParser(BaseParser):
    """The body as it came: Stripe's signature is over these bytes."""

    media_type = "application/json"

    @override
    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request: Request = (parser_context or {})["request"]
        return read_bounded(stream, content_length=request.META.get("CONTENT_LENGTH"))


class StripeWebhookView(PublicView):
    """POST /v1/stripe/webhook."""

    parser_classes = (SignedBytesParser,)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        """Take an event in; Stripe repeats what is not answered with 2xx."""
        # An empty body never comes to a parser.
        body: Any = request.data or b""
        receive_stripe_event(body=body, signature=request.headers.get("Stripe-Signature", ""))
        return HttpResponse(b'{"received": true}', content_type="application/json")


urlpatterns = [path("stripe/webhook", StripeWebhookView.as_view())]
