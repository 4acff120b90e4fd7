"""Gives a store a plan that it does not buy itself: the free one, a trial, a contract."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.core.periods import month_of
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.services.apply_entitlement import apply_entitlement
from saas.lib.errors import Conflict, NotFound
from tenants.context import on_platform
from tenants.services.record_audit import check_reason, record_audit


def assign_plan(
    *,
    tenant_id: UUID,
    plan_code: str,
    actor: str,
    reason: str,
    is_trial: bool = False,
    now: datetime | None = None,
) -> None:
    """Subscribe a store to a plan at once, without Stripe.

    Parameters
    ----------
    tenant_id, plan_code
        Who gets what.
    actor, reason
        For the audit log.
    is_trial
        For the plan's trial days and calls, after which the store has to buy it.
    now
        The moment of the change.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        The store has bought a plan at Stripe, which is changed there.
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    moment = now or timezone.now()
    with on_platform(), transaction.atomic():
        plan = Plan.objects.filter(pk=plan_code).first()
        if plan is None:
            raise NotFound(f"There is no plan '{plan_code}'.")
        before = Subscription.objects.select_for_update().filter(pk=tenant_id).first()
        if before is not None and before.stripe_subscription_id:
            raise Conflict("This store has bought its plan; change it with change_subscription().")
        start, end = month_of(moment)
        if is_trial:
            start, end = moment, moment + timedelta(days=plan.trial_days)
        Subscription.objects.update_or_create(
            tenant_id=tenant_id,
            defaults={
                "plan": plan,
                "next_plan": None,
                "state": Subscription.State.TRIALING if is_trial else Subscription.State.ACTIVE,
                "currency": plan.currency,
                "current_period_start": start,
                "current_period_end": end,
                "trial_end": end if is_trial else None,
                "past_due_since": None,
                "ended_at": None,
                "cancel_at_period_end": False,
            },
        )
        record_audit(
            tenant_id=tenant_id,
            actor=actor,
            action="plan_assigned",
            object="subscription",
            reason=reason,
            before={} if before is None else {"plan": before.plan_id, "state": before.state},
            after={"plan": plan.code, "is_trial": is_trial},
        )
        apply_entitlement(tenant_id=tenant_id, now=moment)
