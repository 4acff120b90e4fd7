"""A store's invoices as Stripe has them, and the next one: Stripe's preview beside our own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.core.stripe_objects import Invoice
from billing.core.tiers import TierCharge, charges, read_tiers
from billing.models.subscription import Subscription
from billing.selectors.account import billable_units
from billing.stripe_gateway import gateway
from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.models.environment import Environment


@dataclass(frozen=True, slots=True)
class InvoicePreview:
    """What the period costs so far: by our buckets, and by what Stripe has been told."""

    period_start: datetime
    period_end: datetime
    units: int
    charges: tuple[TierCharge, ...]
    stripe: Invoice

    @property
    def calls_minor(self) -> int:
        """What the calls cost by our own arithmetic."""
        return sum(charge.amount_minor for charge in self.charges)


def invoices(*, tenant_id: UUID) -> list[Invoice]:
    """Return the store's invoices, newest first; none where it never had a customer.

    Raises
    ------
    BillingUnavailable
        Stripe is away.
    """
    with on_platform():
        row = Subscription.objects.filter(pk=tenant_id).first()
    if row is None or not row.stripe_customer_id:
        return []
    return gateway().invoices(row.stripe_customer_id)


def preview_invoice(*, tenant_id: UUID) -> InvoicePreview:
    """Return the next invoice as both sides see it; Stripe's lacks the hours not yet reported.

    Raises
    ------
    NotFound
        The store has no subscription at Stripe.
    BillingUnavailable
        Stripe is away.
    """
    with on_platform():
        row = Subscription.objects.select_related("plan").filter(pk=tenant_id).first()
        if row is None or not row.stripe_subscription_id:
            raise NotFound("The store has no subscription, so no invoice is due.")
        live = Environment.objects.get(tenant_id=tenant_id, kind=Environment.Kind.LIVE)
        units = billable_units(
            environment_id=live.pk,
            since=row.current_period_start,
            until=row.current_period_end,
        )
    return InvoicePreview(
        period_start=row.current_period_start,
        period_end=row.current_period_end,
        units=units,
        charges=charges(units, read_tiers(row.plan.tiers)),
        stripe=gateway().preview_invoice(row.stripe_subscription_id),
    )
