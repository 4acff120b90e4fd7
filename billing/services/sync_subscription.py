"""Brings a store's subscription up to what Stripe has, and the store's entitlement with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from billing.core.stripe_objects import StripeSubscription, newest_subscription
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.services.apply_entitlement import apply_entitlement
from billing.stripe_gateway import StripeGateway, gateway
from tenants.context import on_platform
from tenants.services.record_audit import record_audit

_log = structlog.get_logger()

_OWING = (Subscription.State.PAST_DUE, Subscription.State.UNPAID)


def sync_subscription(*, customer: str) -> None:
    """Ask Stripe for a customer's subscription and write what it says.

    Stripe is asked while the row is locked, so that of two that run at once the later one has the
    later answer: neither the order of events nor their number matters.

    Parameters
    ----------
    customer
        Stripe's id; one that we do not know is left alone.

    Raises
    ------
    BillingUnavailable
        Stripe is away; nothing has changed.
    """
    with on_platform(), transaction.atomic():
        row = Subscription.objects.select_for_update().filter(stripe_customer_id=customer).first()
        if row is None:
            _log.warning("stripe_customer_unknown", customer=customer)
            return
        stripe = gateway()
        found = newest_subscription(stripe.subscriptions(customer))
        if found is None:
            return
        before = _shown(row)
        _take_over(row, found)
        row.past_due_since = _owes_since(stripe, row) if row.state in _OWING else None
        row.save()
        if _shown(row) != before:
            record_audit(
                tenant_id=row.pk,
                actor="stripe",
                action="subscription_changed",
                object="subscription",
                before=before,
                after=_shown(row),
            )
        apply_entitlement(tenant_id=row.pk)
    _log.info("subscription_synced", tenant=str(row.pk), plan=row.plan_id, state=row.state)


def _shown(row: Subscription) -> dict[str, Any]:
    return {
        "plan": row.plan_id,
        "state": row.state,
        "cancel_at_period_end": row.cancel_at_period_end,
    }


def _take_over(row: Subscription, found: StripeSubscription) -> None:
    plan = Plan.objects.filter(pk=found.plan).first()
    if plan is None:
        _log.error("stripe_plan_unknown", subscription=found.id, plan=found.plan)
    else:
        row.plan = plan
    if row.next_plan_id == row.plan_id:
        row.next_plan = None
    row.state = found.state
    row.currency = found.currency
    row.stripe_subscription_id = found.id
    row.current_period_start, row.current_period_end = found.period_start, found.period_end
    row.trial_end = found.trial_end
    row.cancel_at_period_end = found.cancel_at_period_end
    row.ended_at = found.ended_at


def _owes_since(stripe: StripeGateway, row: Subscription) -> datetime | None:
    """Return since when the oldest invoice is open, which no order of events changes."""
    unpaid = stripe.invoices(row.stripe_customer_id, status="open")
    return min((each.created_at for each in unpaid), default=row.past_due_since)
