"""Charges calls too old for a meter event with the next invoice, at their own month's price."""

from __future__ import annotations

from billing.core.periods import month_of
from billing.core.tiers import amount_minor, read_tiers
from billing.models.subscription import Subscription
from billing.models.usage_report import UsageReport
from billing.selectors.account import billable_units
from billing.stripe_gateway import gateway
from tenants.models.environment import Environment


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
    used = sum(
        billable_units(environment_id=environment.pk, since=start, until=end)
        for environment in Environment.objects.filter(
            tenant_id=report.tenant_id, kind=Environment.Kind.LIVE
        )
    )
    known = (
        UsageReport.objects.filter(
            tenant_id=report.tenant_id, hour=report.hour, state=UsageReport.State.SENT
        )
        .order_by("-revision")
        .values_list("units", flat=True)
        .first()
        or 0
    )
    late = report.units - known
    tiers = read_tiers(subscription.plan.tiers)
    amount = amount_minor(used, tiers) - amount_minor(max(used - late, 0), tiers)
    if amount:
        gateway().add_invoice_item(
            customer=customer,
            amount_minor=amount,
            currency=subscription.currency,
            description=f"{late} calls of {report.hour:%Y-%m-%d %H}:00 UTC, reported late",
            key=report.identifier,
        )
    return amount
