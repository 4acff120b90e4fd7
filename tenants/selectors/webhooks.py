"""The webhooks of an environment, and what they were told."""

from __future__ import annotations

from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.models.webhook import Webhook, WebhookDelivery


def webhook_of(*, environment_id: int, webhook_id: str) -> Webhook:
    """Return a webhook.

    Raises
    ------
    NotFound
        There is no such webhook, or it is another environment's.
    """
    with on_platform():
        webhook = Webhook.objects.filter(environment_id=environment_id, pk=webhook_id).first()
    if webhook is None:
        raise NotFound(f"There is no webhook '{webhook_id}'; GET /v1/webhooks lists them.")
    return webhook


def webhooks(*, environment_id: int, after: str | None, limit: int) -> list[Webhook]:
    """Return up to `limit` webhooks, oldest first, those made after one."""
    with on_platform():
        rows = Webhook.objects.filter(environment_id=environment_id)
        if after is not None:
            rows = rows.filter(pk__gt=after)
        return list(rows.order_by("pk")[:limit])


def deliveries(*, webhook: Webhook, before: str | None, limit: int) -> list[WebhookDelivery]:
    """Return up to `limit` messages to a webhook, newest first, those made before one."""
    with on_platform():
        rows = WebhookDelivery.objects.filter(webhook=webhook)
        if before is not None:
            rows = rows.filter(pk__lt=before)
        return list(rows.order_by("-pk")[:limit])
