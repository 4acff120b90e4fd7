"""An invoice of Stripe's is explained to the call by our own ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from billing.core.line_hours import LineHour
from billing.selectors.explained_invoice import explained_invoice
from billing.selectors.invoices import invoices
from billing.services.close_hours import close_hours
from billing.services.send_usage_reports import send_usage_reports
from billing.stripe_gateway import gateway
from saas.lib.errors import NotFound


@pytest.fixture
def period(acorn_customer: Any) -> Any:
    """Three hours of calls: 60,000, 60,000 and 10,000 of which 100,000 are included."""
    row = acorn_customer.row
    if row.current_period_end - row.current_period_start < timedelta(hours=8):
        # On the last evening of a month its first period is too short.
        row = acorn_customer.end_period()
    start = row.current_period_start.replace(minute=0, second=0, microsecond=0)
    hours = [start + timedelta(hours=number) for number in (1, 2, 5)]
    for hour, units in zip(hours, (60_000, 60_000, 10_000), strict=True):
        acorn_customer.use(hour, units)
    later = hours[-1] + timedelta(hours=2)
    acorn_customer.stripe.move_clock(7 * 3_600)
    close_hours(now=later)
    send_usage_reports(now=lambda: later)
    acorn_customer.end_period()
    return hours


def test_each_tier_has_its_hours_and_an_hour_between_two_is_shared(
    acorn_customer: Any, period: Any
) -> None:
    newest = invoices(tenant_id=acorn_customer.tenant_id)[0]
    explained = explained_invoice(tenant_id=acorn_customer.tenant_id, invoice_id=newest.id)

    first, second, third = period
    assert explained.invoice == newest
    calls = [each for each in explained.lines if each.hours is not None]
    assert [(each.line.quantity, each.line.amount_minor, each.hours) for each in calls] == [
        (100_000, 0, (LineHour(first, 60_000), LineHour(second, 40_000))),
        # 30,000 of 0.05 cents.
        (30_000, 1_500, (LineHour(second, 20_000), LineHour(third, 10_000))),
    ]
    assert [each.unexplained_units for each in explained.lines] == [0] * len(explained.lines)
    assert [each.line.amount_minor for each in explained.lines if each.hours is None] == [4_900]


def test_calls_that_came_too_late_are_explained_by_their_own_hour(
    acorn_customer: Any, period: Any
) -> None:
    gateway().add_invoice_item(
        customer=acorn_customer.id,
        amount_minor=5,
        currency="EUR",
        description="100 calls, reported late",
        hour=period[2].isoformat(),
        key="late",
    )
    acorn_customer.end_period()
    newest = invoices(tenant_id=acorn_customer.tenant_id)[0]
    explained = explained_invoice(tenant_id=acorn_customer.tenant_id, invoice_id=newest.id)

    (late,) = [each for each in explained.lines if each.line.hour is not None]
    assert (late.line.amount_minor, late.hours) == (5, (LineHour(period[2], 10_000),))


def test_another_stores_invoice_is_none_of_ours(acorn_customer: Any, birch: Any) -> None:
    (theirs,) = invoices(tenant_id=acorn_customer.tenant_id)
    for invoice_id in (theirs.id, "in_nobodys"):
        with pytest.raises(NotFound):
            explained_invoice(tenant_id=birch.tenant_id, invoice_id=invoice_id)
