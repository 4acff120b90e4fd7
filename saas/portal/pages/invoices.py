"""The pages that explain what was invoiced: each line by its hours, each hour by its calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse

from billing.core.money import as_text
from billing.core.stripe_objects import Invoice
from billing.metering.ledger_retention import KEPT_DAYS
from billing.selectors.explained import ExplainedCall, billed_calls
from billing.selectors.explained_invoice import ExplainedLine, explained_invoice
from billing.selectors.invoices import invoices
from saas.lib.errors import BillingUnavailable, InvalidParameter
from saas.portal.roles import Right
from saas.portal.visit import Visit, store_page
from tenants.context import on_platform

_CALLS_SHOWN: Final = 200
_HOUR: Final = "%Y-%m-%dT%H"
_TONES: Final = {"paid": "good", "open": "warn", "uncollectible": "bad"}


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice of the list."""

    invoice: Invoice
    total: str
    due: str
    tone: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice, its hours by the name of their pages."""

    explained: ExplainedLine
    amount: str
    hours: list[tuple[str, int]]


@store_page(Right.SEE_BILLING)
def invoice_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the invoices; alone, or for the page that loads them later, since Stripe is asked."""
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    template = "portal/usage/invoices.html" if is_part else "portal/usage/invoices_page.html"
    try:
        rows = [_row(each) for each in invoices(tenant_id=visit.tenant.pk)]
    except BillingUnavailable as error:
        return visit.render(template, {"unavailable": error.detail})
    return visit.render(template, {"invoices": rows})


@store_page(Right.SEE_BILLING)
def invoice(request: HttpRequest, visit: Visit, invoice_id: str) -> HttpResponse:
    """Explain an invoice line by line."""
    explained = explained_invoice(tenant_id=visit.tenant.pk, invoice_id=invoice_id)
    return visit.render(
        "portal/usage/invoice.html",
        {
            "row": _row(explained.invoice),
            "lines": [_line(each, explained.invoice.currency) for each in explained.lines],
        },
    )


@store_page(Right.SEE_BILLING)
def hour_calls(request: HttpRequest, visit: Visit, hour: str) -> HttpResponse:
    """List an hour's charged calls, a page at a time."""
    try:
        start = datetime.strptime(hour, _HOUR).replace(tzinfo=UTC)
    except ValueError:
        raise Http404("No such hour.") from None
    after = request.GET.get("after") or None
    try:
        with on_platform():
            calls = billed_calls(
                environment_id=visit.live.pk, hour=start, after=after, limit=_CALLS_SHOWN + 1
            )
    except ValueError:
        raise InvalidParameter(
            f"'after' is '{(after or '')[:60]}'; give the id of a recommendation."
        ) from None
    return visit.render("portal/usage/hour.html", _calls(start, calls))


def _calls(start: datetime, calls: tuple[ExplainedCall, ...]) -> dict[str, Any]:
    shown = calls[:_CALLS_SHOWN]
    return {
        "start": start,
        "calls": [
            (each, each.operation.name.replace("_", " ").lower(), f"{each.at:%H:%M:%S}")
            for each in shown
        ],
        "next_after": shown[-1].recommendation_id if len(calls) > len(shown) else None,
        "kept_days": KEPT_DAYS,
    }


def _row(invoice: Invoice) -> InvoiceRow:
    return InvoiceRow(
        invoice=invoice,
        total=_amount(invoice.total_minor, invoice.currency),
        # Stripe's amount stays what it was after it was paid.
        due=_amount(invoice.due_minor if invoice.status == "open" else 0, invoice.currency),
        tone=_TONES.get(invoice.status, ""),
    )


def _line(explained: ExplainedLine, currency: str) -> Line:
    return Line(
        explained=explained,
        amount=_amount(explained.line.amount_minor, currency),
        hours=[
            (each.start.astimezone(UTC).strftime(_HOUR), each.units)
            for each in explained.hours or ()
        ],
    )


def _amount(minor: int, currency: str) -> str:
    return f"{as_text(minor, currency)} {currency}"
