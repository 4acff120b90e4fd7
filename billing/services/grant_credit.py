"""Gives a store money for calls, from Stripe's next invoice on."""

from __future__ import annotations

from uuid import UUID

from billing.models.subscription import Subscription
from billing.services.ensure_stripe_customer import ensure_stripe_customer
from billing.stripe_gateway import gateway
from tenants.context import on_platform
from tenants.services.record_audit import record_audit


def grant_credit(*, tenant_id: UUID, amount_minor: int, actor: str, reason: str, key: str) -> str:
    """Grant credit for metered usage, once for a key, and write down who did and why.

    Parameters
    ----------
    tenant_id, amount_minor
        Who gets how much, in minor units of the subscription's currency.
    actor, reason
        For the audit log; the reason stands on the invoice.
    key
        The same key grants once in 24 hours, so that a second click does no harm.

    Returns
    -------
    str
        Stripe's id of the grant.

    Raises
    ------
    NotFound
        There is no such store.
    BillingUnavailable
        Stripe is away; nothing was granted, or the same key finds out.
    """
    customer = ensure_stripe_customer(tenant_id=tenant_id)
    with on_platform():
        currency = Subscription.objects.get(pk=tenant_id).currency
    grant = gateway().grant_credit(
        customer=customer, amount_minor=amount_minor, currency=currency, name=reason, key=key
    )
    record_audit(
        tenant_id=tenant_id,
        actor=actor,
        action="credit_granted",
        object=f"credit:{grant}",
        reason=reason,
        after={"amount_minor": amount_minor, "currency": currency},
    )
    return grant
