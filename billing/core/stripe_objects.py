"""What we read of Stripe's answers: plain values, whatever else their objects hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# A subscription in one of these states has ended or never began.
ENDED = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class StripeItem:
    """One price that a subscription charges; `plan` is our code, kept in the price's metadata."""

    id: str
    price: str
    plan: str | None
    is_metered: bool


@dataclass(frozen=True, slots=True)
class StripeSubscription:
    """A customer's subscription as Stripe has it now."""

    id: str
    customer: str
    state: str
    currency: str
    created_at: datetime
    period_start: datetime
    period_end: datetime
    trial_end: datetime | None
    ended_at: datetime | None
    cancel_at_period_end: bool
    schedule: str | None
    items: tuple[StripeItem, ...]

    @property
    def plan(self) -> str | None:
        """The code of our plan whose prices it has."""
        return next((item.plan for item in self.items if item.plan and not item.is_metered), None)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of an invoice, in minor units; `price` is None for what was added by itself."""

    description: str
    quantity: int
    amount_minor: int
    price: str | None
    period_start: datetime | None
    period_end: datetime | None
    # Of calls that were reported too late for their own invoice.
    hour: datetime | None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice, or the preview of the next one."""

    id: str
    customer: str
    number: str | None
    status: str
    currency: str
    created_at: datetime
    period_start: datetime
    period_end: datetime
    subtotal_minor: int
    total_minor: int
    due_minor: int
    url: str | None
    lines: tuple[InvoiceLine, ...]


def read_subscription(answer: Mapping[str, Any]) -> StripeSubscription:
    """Return a subscription; since 2025 its periods are its items'."""
    items = answer["items"]["data"]
    return StripeSubscription(
        id=answer["id"],
        customer=answer["customer"],
        state=answer["status"],
        currency=answer["currency"].upper(),
        created_at=moment(answer["created"]),
        period_start=moment(min(item["current_period_start"] for item in items)),
        period_end=moment(max(item["current_period_end"] for item in items)),
        trial_end=_moment_or_none(answer.get("trial_end")),
        ended_at=_moment_or_none(answer.get("ended_at")),
        cancel_at_period_end=answer["cancel_at_period_end"],
        schedule=answer.get("schedule"),
        items=tuple(_read_item(item) for item in items),
    )


def newest_subscription(found: list[StripeSubscription]) -> StripeSubscription | None:
    """Return the one that counts: the newest that has not ended, else the newest.

    It depends on nothing but what Stripe has now, so that the order of events means nothing.
    """
    return max(
        found, key=lambda each: (each.state not in ENDED, each.created_at, each.id), default=None
    )


def read_invoice(answer: Mapping[str, Any]) -> Invoice:
    """Return an invoice with its lines."""
    return Invoice(
        id=answer.get("id") or "",
        customer=answer["customer"],
        number=answer.get("number"),
        status=answer["status"],
        currency=answer["currency"].upper(),
        created_at=moment(answer.get("created") or answer["period_end"]),
        period_start=moment(answer["period_start"]),
        period_end=moment(answer["period_end"]),
        subtotal_minor=answer["subtotal"],
        total_minor=answer["total"],
        due_minor=answer["amount_due"],
        url=answer.get("hosted_invoice_url"),
        lines=tuple(_read_line(line) for line in answer["lines"]["data"]),
    )


def _read_line(line: Mapping[str, Any]) -> InvoiceLine:
    period = line.get("period") or {}
    hour = (line.get("metadata") or {}).get("hour")
    return InvoiceLine(
        description=line.get("description") or "",
        quantity=line.get("quantity") or 0,
        amount_minor=line["amount"],
        price=((line.get("pricing") or {}).get("price_details") or {}).get("price"),
        period_start=_moment_or_none(period.get("start")),
        period_end=_moment_or_none(period.get("end")),
        hour=None if hour is None else datetime.fromisoformat(hour),
    )


def moment(seconds: int) -> datetime:
    """Return Stripe's time as ours."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def _moment_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def _read_item(item: Mapping[str, Any]) -> StripeItem:
    price = item["price"]
    return StripeItem(
        id=item["id"],
        price=price["id"],
        plan=(price.get("metadata") or {}).get("plan"),
        is_metered=bool((price.get("recurring") or {}).get("meter")),
    )
