"""Turns a store's subscription into what it may do: the one way from billing to all processes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from billing.core.periods import month_of
from billing.core.standing import Standing, Terms, decide_standing
from billing.core.tiers import read_tiers
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.selectors.account import comped_units, facts_of
from tenants.context import on_platform
from tenants.models.tenant import Entitlement

_log = structlog.get_logger()


def apply_entitlement(*, tenant_id: UUID, now: datetime | None = None) -> Standing | None:
    """Decide what a store may do and write it where every process sees it within 2 s.

    Harmless when nothing has changed: then nothing is written. A subscription that Stripe does
    not know of, such as a free one, begins its next period here.

    Parameters
    ----------
    tenant_id
        Whose subscription.
    now
        The moment to decide for.

    Returns
    -------
    Standing or None
        The decision; None where the store has no subscription, so that its entitlement stays.
    """
    moment = now or timezone.now()
    with on_platform(), transaction.atomic():
        subscription = (
            Subscription.objects.select_for_update(of=["self"])
            .select_related("plan", "next_plan")
            .filter(pk=tenant_id)
            .first()
        )
        if subscription is None:
            return None
        _begin_next_period(subscription, moment)
        standing = decide_standing(facts_of(subscription), terms_of(subscription.plan), now=moment)
        wanted = _columns(subscription, standing)
        entitlement = Entitlement.objects.get(pk=tenant_id)
        if any(getattr(entitlement, name) != value for name, value in wanted.items()):
            Entitlement.objects.filter(pk=tenant_id).update(**wanted)
            _log.info(
                "entitlement_changed",
                tenant=str(tenant_id),
                plan=subscription.plan_id,
                state=subscription.state,
                access=standing.access,
            )
    return standing


def terms_of(plan: Plan) -> Terms:
    """Return what a plan says of calls."""
    return Terms(
        price_minor=plan.price_minor,
        included_calls=plan.included_calls,
        tiers=read_tiers(plan.tiers),
        is_hard=plan.quota == Plan.Quota.HARD,
        hard_multiple=plan.hard_multiple,
        trial_calls=plan.trial_calls,
    )


def _begin_next_period(subscription: Subscription, moment: datetime) -> None:
    is_ours = not subscription.stripe_subscription_id
    if not is_ours or subscription.current_period_end > moment:
        return
    if subscription.state == Subscription.State.TRIALING:
        # As at Stripe: nobody has said how the trial is to go on.
        subscription.state = Subscription.State.PAUSED
        subscription.ended_at = subscription.current_period_end
    elif subscription.state != Subscription.State.ACTIVE:
        return
    elif subscription.cancel_at_period_end:
        subscription.state = Subscription.State.CANCELED
        subscription.ended_at = subscription.current_period_end
    else:
        start, end = month_of(moment)
        subscription.current_period_start, subscription.current_period_end = start, end
        if subscription.next_plan is not None:
            subscription.plan, subscription.next_plan = subscription.next_plan, None
    subscription.save()


def _columns(subscription: Subscription, standing: Standing) -> dict[str, Any]:
    plan = subscription.plan
    changes_at = standing.changes_at
    is_ours = not subscription.stripe_subscription_id
    if is_ours and subscription.state in (subscription.State.ACTIVE, subscription.State.TRIALING):
        changes_at = subscription.current_period_end
    call_limit = standing.call_limit
    if call_limit is not None:
        # What staff took off the count does not count towards the limit.
        call_limit += comped_units(
            tenant_id=subscription.pk,
            since=subscription.current_period_start,
            until=subscription.current_period_end,
        )
    return {
        "plan": plan.code,
        "state": standing.reason,
        "access": standing.access,
        "rate_per_second": plan.rate_per_second,
        "burst": plan.burst,
        "period_start": subscription.current_period_start,
        "period_end": subscription.current_period_end,
        "included_calls": plan.included_calls,
        "call_limit": call_limit,
        "limited_by": standing.limited_by or "",
        "catalogue_items": plan.catalogue_items,
        "events_per_day": plan.events_per_day,
        "retention_days": plan.retention_days,
        "training_seconds": plan.training_seconds,
        "changes_at": changes_at,
    }
