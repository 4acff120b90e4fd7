"""Webhooks: addresses of the store's that are told of what happens, and what they were told."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.serializers import SecretField, StrictSerializer, TextField, page_of, read_body
from api.v1.views import EnvironmentView
from tenants.models.webhook import EVENT_TYPES, Webhook, WebhookDelivery
from tenants.selectors.webhooks import deliveries, webhook_of, webhooks
from tenants.services.create_webhook import create_webhook
from tenants.services.delete_webhook import delete_webhook


class WebhookRequest(StrictSerializer):
    """Where to send messages, and of what."""

    url = TextField(trim_whitespace=False, help_text="https, on the public internet.")
    events = serializers.ListField(
        child=serializers.ChoiceField(EVENT_TYPES),
        default=list(EVENT_TYPES),
        allow_empty=False,
        max_length=len(EVENT_TYPES),
        help_text="What to hear of; all of it if absent.",
    )


class WebhookAnswer(serializers.ModelSerializer[Webhook]):
    """A webhook without its secret; `disabled_at` says since when nobody listens there."""

    events = serializers.ListField(child=serializers.ChoiceField(EVENT_TYPES))

    class Meta:
        model = Webhook
        fields = (
            "id",
            "url",
            "events",
            "created_at",
            "failing_since",
            "disabled_at",
            "disabled_reason",
        )


class NewWebhookAnswer(WebhookAnswer):
    """A webhook with its secret, this once."""

    secret = SecretField(
        help_text="What messages are signed with, as a library of Standard Webhooks takes it."
    )

    class Meta:
        model = Webhook
        fields = (*WebhookAnswer.Meta.fields, "secret")


class WebhookMessage(serializers.Serializer[Any]):
    """What is sent: what happened, when, where, and the facts."""

    type = serializers.ChoiceField(EVENT_TYPES)
    timestamp = serializers.DateTimeField()
    environment = serializers.ChoiceField(["live", "test"])
    data = serializers.DictField()  # type: ignore[assignment]  # DRF has a property of that name


class WebhookDeliveryAnswer(serializers.ModelSerializer[WebhookDelivery]):
    """A message to a webhook; its id is the header `webhook-id`."""

    state = serializers.ChoiceField(WebhookDelivery.State.values)
    payload = WebhookMessage()

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "type",
            "created_at",
            "state",
            "attempts",
            "last_attempt_at",
            "next_attempt_at",
            "response_status",
            "error",
            "payload",
        )


class WebhooksView(EnvironmentView):
    """/v1/webhooks."""

    required_scopes: ClassVar = {"GET": "settings:write", "POST": "settings:write"}
    query_parameters: ClassVar = PAGE_PARAMETERS
    secret_members = ("secret",)

    @extend_schema(responses=page_of(WebhookAnswer))
    def get(self, request: Request) -> Response:
        """List the webhooks, oldest first."""
        asked = page_request(request, key_types=(str,))
        rows = webhooks(
            environment_id=self.caller.environment.pk,
            after=asked.after[0] if asked.after else None,
            limit=asked.limit + 1,
        )
        shown = page(rows, limit=asked.limit, key=lambda row: (row.id,), as_json=_webhook)
        return Response(shown)

    @extend_schema(request=WebhookRequest, responses={201: NewWebhookAnswer})
    def post(self, request: Request) -> Response:
        """Send what happens to an address from now on; its secret is in this answer alone.

        Messages are signed as Standard Webhooks has it. One that is not answered with 2xx within
        10 seconds is sent again, up to ten times in three days; the receiver knows a repetition
        by its `webhook-id`.
        """
        asked = read_body(WebhookRequest, request.data)
        made = create_webhook(
            environment=self.caller.environment,
            actor=self.caller.actor,
            url=asked["url"],
            events=asked["events"],
        )
        return Response(
            _webhook(made) | {"secret": made.secret},
            status=201,
            headers={"Cache-Control": "no-store"},
        )


class WebhookView(EnvironmentView):
    """/v1/webhooks/{id}."""

    required_scopes: ClassVar = {"DELETE": "settings:write"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, webhook_id: str) -> Response:
        """End a webhook; what it has not taken by now it never gets."""
        delete_webhook(
            environment=self.caller.environment,
            actor=self.caller.actor,
            webhook_id=webhook_id,
        )
        return Response(status=204)


class WebhookDeliveriesView(EnvironmentView):
    """/v1/webhooks/{id}/deliveries."""

    required_scopes: ClassVar = {"GET": "settings:write"}
    query_parameters: ClassVar = PAGE_PARAMETERS

    @extend_schema(responses=page_of(WebhookDeliveryAnswer))
    def get(self, request: Request, webhook_id: str) -> Response:
        """List the messages of the last 30 days, newest first, and how each was received."""
        asked = page_request(request, key_types=(str,))
        rows = deliveries(
            webhook=webhook_of(environment_id=self.caller.environment.pk, webhook_id=webhook_id),
            before=asked.after[0] if asked.after else None,
            limit=asked.limit + 1,
        )
        shown = page(rows, limit=asked.limit, key=lambda row: (row.id,), as_json=_delivery)
        return Response(shown)


def _webhook(row: Webhook) -> dict[str, Any]:
    return dict(WebhookAnswer(row).data)


def _delivery(row: WebhookDelivery) -> dict[str, Any]:
    row.payload = orjson.loads(row.payload)
    return dict(WebhookDeliveryAnswer(row).data)


urlpatterns = [
    path("webhooks", WebhooksView.as_view()),
    path("webhooks/<id:webhook_id>", WebhookView.as_view()),
    path("webhooks/<id:webhook_id>/deliveries", WebhookDeliveriesView.as_view()),
]
