"""Changes what a store has at Stripe: a larger plan at once, a smaller one with the next period."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from billing.core.stripe_objects import ENDED, StripeSubscription, newest_subscription
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.services.sync_subscription import sync_subscription
from billing.stripe_gateway import gateway
from saas.lib.errors import BillingUnavailable, Conflict, NotFound
from tenants.context import on_platform
from tenants.services.record_audit import check_reason_of, record_audit


def change_subscription(*, tenant_id: UUID, plan_code: str, actor: str, reason: str = "") -> None:
    """Move a store's subscription to another plan.

    A dearer plan counts at once, and the difference for the rest of the month is invoiced now. A
    cheaper one follows with the next period. The month's calls are charged by the plan in which
    it ends.

    Parameters
    ----------
    tenant_id, plan_code
        Who changes to what.
    actor, reason
        For the audit log; staff must say why.

    Raises
    ------
    NotFound
        No such plan.
    Conflict
        The store has no subscription at Stripe that could be changed.
    InvalidParameter
        Staff gives no reason.
    BillingUnavailable
        Stripe is away, or does not know the plan yet.
    """
    reason = check_reason_of(actor, reason)
    with on_platform():
        plan = Plan.objects.filter(pk=plan_code).first()
    if plan is None:
        raise NotFound(f"There is no plan '{plan_code}'.")
    if not plan.stripe_flat_price_id:
        raise BillingUnavailable(f"The plan '{plan_code}' cannot be bought yet; try again later.")
    row, found = _running(tenant_id)
    prices = {
        "flat_price": plan.stripe_flat_price_id,
        "metered_price": plan.stripe_metered_price_id,
    }
    is_at_once = plan.price_minor >= row.plan.price_minor
    # What Stripe refuses is not written down; what it did is told by its webhooks in any case.
    with on_platform(), transaction.atomic():
        record_audit(
            tenant_id=tenant_id,
            actor=actor,
            action="plan_changed",
            object="subscription",
            reason=reason,
            before={"plan": row.plan_id},
            after={"plan": plan.code, "is_at_once": is_at_once},
        )
        if is_at_once:
            gateway().change_prices(found, **prices)
        else:
            gateway().schedule_prices(found, **prices)
            Subscription.objects.filter(pk=tenant_id).update(next_plan=plan)
    sync_subscription(customer=row.stripe_customer_id)


def set_cancellation(*, tenant_id: UUID, is_wanted: bool, actor: str, reason: str = "") -> None:
    """Have a store's subscription end with its period, or go on after all.

    Parameters
    ----------
    tenant_id, is_wanted
        Whose, and whether it is to end.
    actor, reason
        For the audit log; staff must say why.

    Raises
    ------
    Conflict
        The store has no subscription at Stripe that could end.
    InvalidParameter
        Staff gives no reason.
    BillingUnavailable
        Stripe is away.
    """
    reason = check_reason_of(actor, reason)
    row, found = _running(tenant_id)
    with on_platform(), transaction.atomic():
        record_audit(
            tenant_id=tenant_id,
            actor=actor,
            action="subscription_canceled" if is_wanted else "subscription_resumed",
            object="subscription",
            reason=reason,
            after={"ends_at": row.current_period_end.isoformat() if is_wanted else None},
        )
        gateway().set_cancellation(found.id, is_wanted=is_wanted)
    sync_subscription(customer=row.stripe_customer_id)


def _running(tenant_id: UUID) -> tuple[Subscription, StripeSubscription]:
    with on_platform():
        row = Subscription.objects.select_related("plan").filter(pk=tenant_id).first()
    known = None
    if row is not None and row.stripe_customer_id:
        known = newest_subscription(gateway().subscriptions(row.stripe_customer_id))
    if row is None or known is None or known.state in ENDED:
        raise Conflict("The store has no subscription to change; let it buy a plan.")
    return row, known
