"""Explains an invoice of Stripe's by our own ledger: each line by the hours whose calls it charges.

An hour is explained further by `explained.billed_calls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from billing.core.line_hours import LineHour, share_hours
from billing.core.stripe_objects import Invoice, InvoiceLine
from billing.models.subscription import Subscription
from billing.selectors.explained import billed_hours
from billing.stripe_connection import StripeRefusedError
from billing.stripe_gateway import gateway
from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.models.environment import Environment

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """A line, and the hours whose calls it charges; None where it charges no calls."""

    line: InvoiceLine
    hours: tuple[LineHour, ...] | None

    @property
    def unexplained_units(self) -> int:
        """What the line charges beyond our hours: 0, or something is wrong."""
        if self.hours is None or self.line.hour is not None:
            return 0
        return self.line.quantity - sum(each.units for each in self.hours)


@dataclass(frozen=True, slots=True)
class ExplainedInvoice:
    """An invoice and its lines, in Stripe's order."""

    invoice: Invoice
    lines: tuple[ExplainedLine, ...]


def explained_invoice(*, tenant_id: UUID, invoice_id: str) -> ExplainedInvoice:
    """Return the store's invoice with the hours behind each line.

    Raises
    ------
    NotFound
        The store has no such invoice.
    BillingUnavailable
        Stripe is away.
    """
    with on_platform():
        row = Subscription.objects.filter(pk=tenant_id).first()
        live = Environment.with_deleted.get(tenant_id=tenant_id, kind=Environment.Kind.LIVE)
    try:
        invoice = gateway().invoice(invoice_id)
    except StripeRefusedError:
        invoice = None
    if invoice is None or row is None or invoice.customer != row.stripe_customer_id:
        raise NotFound(f"There is no invoice '{invoice_id[:100]}'.")
    hours = _hours_by_line(invoice.lines, environment_id=live.pk)
    return ExplainedInvoice(
        invoice,
        tuple(ExplainedLine(line, hours.get(place)) for place, line in enumerate(invoice.lines)),
    )


def _hours_by_line(
    lines: Sequence[InvoiceLine], *, environment_id: int
) -> dict[int, tuple[LineHour, ...]]:
    found: dict[int, tuple[LineHour, ...]] = {}
    tiers: dict[tuple[str, datetime, datetime], list[int]] = {}
    for place, line in enumerate(lines):
        if line.hour is not None:
            found[place] = _hours(environment_id, line.hour, line.hour + _HOUR)
        elif line.price and line.period_start and line.period_end:
            key = (line.price, line.period_start, line.period_end)
            tiers.setdefault(key, []).append(place)
    for (price, since, until), places in tiers.items():
        if not gateway().is_metered(price):
            continue
        quantities = [lines[place].quantity for place in places]
        shared = share_hours(_hours(environment_id, since, until), quantities)
        found |= dict(zip(places, shared, strict=True))
    return found


def _hours(environment_id: int, since: datetime, until: datetime) -> tuple[LineHour, ...]:
    # A period that begins within an hour has all of its calls.
    start = since.replace(minute=0, second=0, microsecond=0)
    with on_platform():
        hours = billed_hours(environment_id=environment_id, since=start, until=until)
    return tuple(LineHour(each.start, each.units + each.adjusted) for each in hours)
