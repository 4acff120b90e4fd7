"""Acts once more on what Stripe has told us, at staff's word: also on what was given up."""

from __future__ import annotations

import json
from uuid import UUID

from django.db import transaction

from billing.jobs import APPLY_EVENT_JOB
from billing.models.stripe_event import StripeEvent
from billing.models.subscription import Subscription
from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.services.enqueue_job import enqueue_job
from tenants.services.record_audit import check_reason, record_audit


def replay_stripe_event(*, event_id: str, actor: str, reason: str) -> None:
    """Queue an event anew; what it brings is how things are at Stripe by then.

    Parameters
    ----------
    event_id
        A stored event's.
    actor, reason
        For the audit log.

    Raises
    ------
    NotFound
        There is no such event.
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    with on_platform(), transaction.atomic():
        event = StripeEvent.objects.select_for_update().filter(pk=event_id).first()
        if event is None:
            raise NotFound(f"Stripe has told us nothing called '{event_id}'.")
        StripeEvent.objects.filter(pk=event_id).update(processed_at=None)
        record_audit(
            tenant_id=_tenant_of(event),
            actor=actor,
            action="stripe_event_replayed",
            object=f"stripe_event:{event_id}",
            reason=reason,
            before={"is_processed": event.processed_at is not None},
        )
        enqueue_job(
            kind=APPLY_EVENT_JOB,
            environment_id=None,
            payload={"event_id": event_id},
            exclusive_key=f"stripe-event:{event_id}",
        )


def _tenant_of(event: StripeEvent) -> UUID | None:
    customer = json.loads(event.body).get("data", {}).get("object", {}).get("customer")
    found = Subscription.objects.filter(stripe_customer_id=customer or "-")
    return found.values_list("pk", flat=True).first()
