"""Compares what Stripe has counted with our buckets, hour by hour, and sends again what differs."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from billing.models.subscription import Subscription
from billing.models.usage_report import UsageReport
from billing.services.close_hours import LOOKED_BACK_FAR, close_hours, resend_hour
from billing.stripe_gateway import StripeGateway, gateway
from tenants.context import on_platform
from tenants.services.record_audit import record_audit

_log = structlog.get_logger()

# Stripe's summaries follow its events with a delay.
SETTLED_AFTER = timedelta(hours=2)
# What an hour's difference is looked for in; an older one has been compared 48 times.
COMPARED = timedelta(hours=50)
# The first difference may be Stripe's delay, and is sent again; the second is not.
ALARMING_ROUNDS = 2


def reconcile_usage(*, now: datetime) -> int:
    """Compare each store's closed hours with Stripe's summaries.

    First everything that changed within Stripe's 35 days is queued, so that what is compared is
    our newest total.

    Parameters
    ----------
    now
        Hours that ended two hours ago are compared.

    Returns
    -------
    int
        The number of hours that differed.

    Raises
    ------
    BillingUnavailable
        Stripe is away; what was compared stays so.
    """
    close_hours(now=now, back=LOOKED_BACK_FAR)
    end = (now - SETTLED_AFTER).replace(minute=0, second=0, microsecond=0)
    start = end - COMPARED
    with on_platform():
        customers = list(
            Subscription.objects.filter(
                pk__in=UsageReport.objects.filter(hour__gte=start, hour__lt=end).values("tenant_id")
            )
            .exclude(stripe_customer_id="")
            .values_list("pk", "stripe_customer_id")
        )
    if not customers:
        return 0
    stripe = gateway()
    meter = stripe.ensure_meter()
    return sum(
        _compare(stripe, meter, tenant_id=tenant_id, customer=customer, start=start, end=end)
        for tenant_id, customer in customers
    )


def _compare(
    stripe: StripeGateway,
    meter: str,
    *,
    tenant_id: UUID,
    customer: str,
    start: datetime,
    end: datetime,
) -> int:
    counted = stripe.usage_by_hour(meter=meter, customer=customer, start=start, end=end)
    drifting = 0
    with on_platform(), transaction.atomic():
        latest = (
            UsageReport.objects.filter(tenant_id=tenant_id, hour__gte=start, hour__lt=end)
            .order_by("hour", "-revision")
            .distinct("hour")
        )
        for report in latest:
            if report.state != UsageReport.State.SENT:
                continue
            drift = counted.get(report.hour, 0) - report.units
            if drift:
                drifting += 1
                _heal(report, drift=drift)
            elif report.drift_rounds:
                _note(report, drift=0, rounds=0)
    return drifting


def _heal(report: UsageReport, *, drift: int) -> None:
    rounds = report.drift_rounds + 1
    _note(report, drift=drift, rounds=rounds)
    report.drift_units, report.drift_rounds = drift, rounds
    resend_hour(report=report)
    record_audit(
        tenant_id=report.tenant_id,
        actor="command",
        action="usage_drift_found",
        object=f"hour:{report.hour:%Y-%m-%dT%H}",
        reason="Stripe's total differs from ours, which is sent again.",
        before={"stripe": report.units + drift, "ours": report.units},
        after={"revision": report.revision + 1},
    )
    log = _log.error if rounds >= ALARMING_ROUNDS else _log.warning
    log("usage_drift", report=report.identifier, units=drift, rounds=rounds)


def _note(report: UsageReport, *, drift: int, rounds: int) -> None:
    UsageReport.objects.filter(pk=report.pk).update(drift_units=drift, drift_rounds=rounds)
