"""Charges calls too old for a meter event with the next invoice, at their own month's price."""

from __future__ import annotations

from billing.core.periods import month_of
from billing.core.tiers import amount_minor, read_tiers
from billing.models.subscription import Subscription
from billing.models.usage_report import UsageReport
from billing.stripe_gateway import gateway

_AT_STRIPE = (UsageReport.State.SENT, UsageReport.State.INVOICED)


def charge_late_usage(*, report: UsageReport, customer: str) -> int:
    """Add to the next invoice what an hour's calls would have added to their own.

    Parameters
    ----------
    report
        A total that Stripe's meter takes no longer.
    customer
        Stripe's id.

    Returns
    -------
    int
        The amount in minor units; nothing is sent where it is 0.

    Raises
    ------
    BillingUnavailable, StripeRefusedError
        As the gateway's.
    """
    subscription = Subscription.objects.select_related("plan").get(pk=report.tenant_id)
    start, end = month_of(report.hour)
    # What Stripe has of the month, by meter or as items before this one, so that they add up.
    known = dict(
        UsageReport.objects.filter(
            tenant_id=report.tenant_id, hour__gte=start, hour__lt=end, state__in=_AT_STRIPE
        )
        .order_by("hour", "-revision")
        .distinct("hour")
        .values_list("hour", "units")
    )
    before = sum(known.values())
    late = report.units - known.get(report.hour, 0)
    tiers = read_tiers(subscription.plan.tiers)
    amount = amount_minor(before + late, tiers) - amount_minor(before, tiers)
    if amount:
        gateway().add_invoice_item(
            customer=customer,
            amount_minor=amount,
            currency=subscription.currency,
            description=f"{late} calls of {report.hour:%Y-%m-%d %H}:00 UTC, reported late",
            hour=report.hour.isoformat(),
            # The meter may have been sent the identifier itself.
            key=f"{report.identifier}.invoice",
        )
    return amount
