"""Brings a store to the plan that it has chosen, by the way that its present one asks for."""

from __future__ import annotations

from uuid import UUID

from billing.core.stripe_objects import ENDED
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.services.assign_plan import assign_plan
from billing.services.change_subscription import change_subscription
from billing.services.start_checkout import start_checkout
from saas.lib.errors import NotFound
from tenants.context import on_platform


def choose_plan(
    *, tenant_id: UUID, plan_code: str, actor: str, success_url: str, cancel_url: str
) -> str | None:
    """Change a store's plan, or say where it can be bought.

    Parameters
    ----------
    tenant_id, plan_code
        Who wants what.
    actor
        Who chose, for the audit log.
    success_url, cancel_url
        Where Stripe sends the browser after Checkout.

    Returns
    -------
    str or None
        The page to buy it at; None where the plan has changed, or will with the next period.

    Raises
    ------
    NotFound
        There is no such plan on offer.
    BillingUnavailable
        Stripe is away, or does not know the plan yet.
    """
    with on_platform():
        plan = Plan.objects.filter(pk=plan_code, is_offered=True).first()
        row = Subscription.objects.filter(pk=tenant_id).first()
    if plan is None:
        raise NotFound(f"There is no plan '{plan_code}' on offer.")
    was_bought = row is not None and bool(row.stripe_subscription_id)
    if row is not None and was_bought and row.state not in ENDED:
        change_subscription(tenant_id=tenant_id, plan_code=plan_code, actor=actor)
        return None
    if plan.price_minor == 0 and not was_bought:
        assign_plan(
            tenant_id=tenant_id, plan_code=plan_code, actor=actor, reason="Chosen by the store."
        )
        return None
    return start_checkout(
        tenant_id=tenant_id, plan_code=plan_code, success_url=success_url, cancel_url=cancel_url
    )
