"""Sends a store to Stripe: to subscribe, or to look after its card and its invoices."""

from __future__ import annotations

from uuid import UUID

from billing.core.stripe_objects import ENDED, newest_subscription
from billing.models.plan import Plan
from billing.services.ensure_stripe_customer import ensure_stripe_customer
from billing.stripe_gateway import gateway
from saas.lib.errors import BillingUnavailable, Conflict, NotFound
from tenants.context import on_platform


def start_checkout(*, tenant_id: UUID, plan_code: str, success_url: str, cancel_url: str) -> str:
    """Return the URL of a page where the store buys a plan; what follows comes by webhook.

    Parameters
    ----------
    tenant_id, plan_code
        Who buys what. The first one that costs something begins with a trial.
    success_url, cancel_url
        Where Stripe sends the browser afterwards.

    Raises
    ------
    NotFound
        No such store, or no such plan on offer.
    Conflict
        The store has a subscription, which is changed and not bought again.
    BillingUnavailable
        Stripe is away, or does not know the plan yet.
    """
    with on_platform():
        plan = Plan.objects.filter(pk=plan_code, is_offered=True).first()
    if plan is None:
        raise NotFound(f"There is no plan '{plan_code}' on offer.")
    if not plan.stripe_flat_price_id:
        raise BillingUnavailable(f"The plan '{plan_code}' cannot be bought yet; try again later.")
    customer = ensure_stripe_customer(tenant_id=tenant_id)
    stripe = gateway()
    known = newest_subscription(stripe.subscriptions(customer))
    if known is not None and known.state not in ENDED:
        raise Conflict(f"The store has a subscription ({known.state}) already; change its plan.")
    return stripe.open_checkout(
        customer=customer,
        flat_price=plan.stripe_flat_price_id,
        metered_price=plan.stripe_metered_price_id,
        trial_days=plan.trial_days if known is None and plan.price_minor else 0,
        success_url=success_url,
        cancel_url=cancel_url,
    )


def open_billing_portal(*, tenant_id: UUID, return_url: str) -> str:
    """Return the URL of Stripe's page for the store's card, invoices and cancelling.

    Raises
    ------
    NotFound
        There is no such store.
    BillingUnavailable
        Stripe is away.
    """
    customer = ensure_stripe_customer(tenant_id=tenant_id)
    return gateway().open_portal(customer=customer, return_url=return_url)
