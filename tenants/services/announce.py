"""Tells a store's webhooks that something happened, in the transaction in which it did."""

from __future__ import annotations

from typing import Any

import orjson
from django.utils import timezone

from saas.lib.ids import new_ulid
from tenants.context import on_platform
from tenants.jobs import WEBHOOK_JOB
from tenants.models.environment import Environment
from tenants.models.webhook import Webhook, WebhookDelivery
from tenants.services.enqueue_job import enqueue_job


def announce(*, environment: Environment, event_type: str, data: dict[str, Any]) -> None:
    """Queue a message to each webhook that wants to hear of it; sent when the transaction commits.

    Parameters
    ----------
    environment
        Whose affair it is.
    event_type
        One of ``tenants.models.webhook.EVENT_TYPES``.
    data
        What the message says, JSON; nobody's personal data.
    """
    with on_platform():
        webhooks = Webhook.objects.filter(
            environment_id=environment.pk, events__contains=[event_type], disabled_at=None
        )
        for webhook in webhooks.order_by("pk"):
            _queue(webhook, environment, event_type, data)


def queue_attempt(delivery: WebhookDelivery, *, environment_id: int) -> None:
    """Queue the job of the delivery's next attempt: the first at once, others when it says."""
    enqueue_job(
        kind=WEBHOOK_JOB,
        environment_id=environment_id,
        payload={"delivery_id": delivery.pk},
        run_after=delivery.next_attempt_at if delivery.attempts else None,
        dedupe_key=f"webhook:{delivery.pk}:{delivery.attempts}",
    )


def _queue(
    webhook: Webhook, environment: Environment, event_type: str, data: dict[str, Any]
) -> None:
    now = timezone.now()
    message = {
        "type": event_type,
        "timestamp": now,
        "environment": environment.kind,
        "data": data,
    }
    delivery = WebhookDelivery.objects.create(
        id=new_ulid(),
        webhook=webhook,
        type=event_type,
        payload=orjson.dumps(message, option=orjson.OPT_UTC_Z).decode(),
        created_at=now,
        next_attempt_at=now,
    )
    queue_attempt(delivery, environment_id=environment.pk)
