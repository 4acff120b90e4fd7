"""Webhooks that hear of everything, and what they would be told."""

from __future__ import annotations

from typing import Any

import orjson
from django.utils import timezone

from saas.lib.ids import new_ulid
from saas.lib.webhook_signature import new_webhook_secret
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.webhook import EVENT_TYPES, Webhook, WebhookDelivery
from tests.saas.lib.https_server import HOST


def make_webhook(environment: Environment, *events: str) -> Webhook:
    """Make a webhook; without `events` it hears of everything."""
    with on_platform():
        return Webhook.objects.create(
            id=new_ulid(),
            environment=environment,
            url=f"https://{HOST}/hook?shop=1",
            events=list(events or EVENT_TYPES),
            secret=new_webhook_secret(),
            created_at=timezone.now(),
        )


def told(environment: Environment) -> list[tuple[str, dict[str, Any]]]:
    """Return type and data of each message of the environment, oldest first."""
    with on_platform():
        rows = WebhookDelivery.objects.filter(webhook__environment=environment).order_by("pk")
        return [(row.type, orjson.loads(row.payload)["data"]) for row in rows]
