"""Reads one event as a store or a page sends it: its lines, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec

from engine.core.dataset import EVENT_WEIGHTS
from engine.rows.event_key import event_key_of
from engine.rows.reading import Place, Reader, nearest, read_members
from engine.rows.values import (
    BadValue,
    read_context,
    read_currency,
    read_id,
    read_price,
    read_quantity,
    read_text,
    read_time,
    shown,
)
from saas.lib.errors import FieldError

CUSTOM = "custom:"
MAX_TYPE_CHARACTERS = 64
MAX_LINES = 500
MAX_FUTURE = timedelta(hours=24)
# The types that are about no single item, and the member that each needs instead.
_SUBJECTS: Mapping[str, str] = MappingProxyType({"category_view": "category", "search": "query"})
TYPES: Mapping[str, object] = MappingProxyType({**EVENT_WEIGHTS, **_SUBJECTS})
# One of these says who it was, or with what else it happened.
ACTORS = frozenset({"user_id", "anonymous_id", "session_id", "order_id"})


def read_type(value: Any) -> str:
    """Return a known type of event, or one of the store's own.

    >>> read_type("custom:gift_wrapped")
    'custom:gift_wrapped'
    """
    if isinstance(value, str):
        if value in TYPES:
            return value
        name = value.removeprefix(CUSTOM)
        if name and name != value and len(value) <= MAX_TYPE_CHARACTERS and value.isprintable():
            return value
        hint = nearest(value[:MAX_TYPE_CHARACTERS], TYPES)
        raise BadValue(
            "unknown_event_type", f"send one of {', '.join(TYPES)}, or 'custom:<name>'{hint}"
        )
    raise BadValue("invalid_type", "send a type such as 'view'")


def read_recommendation_id(value: Any) -> str:
    """Return the id of one of our answers; ours are short."""
    text = read_id(value)
    if len(text) > 64:
        raise BadValue("id_too_long", "send the recommendation_id as it came in the answer")
    return text


_LINE_READERS: Mapping[str, Reader] = MappingProxyType(
    {"id": read_id, "quantity": read_quantity, "price": read_price, "line_id": read_id}
)


class Line(msgspec.Struct, frozen=True):
    """One item of an event; an event about none has one line without an item."""

    item_id: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    line_id: str | None = None


def read_lines(value: Any) -> list[Line]:
    """Return the lines of an event about several items."""
    advice = 'send a list such as [{"id": "sku-19", "quantity": 2}]'
    if not isinstance(value, list):
        raise BadValue("invalid_type", advice)
    if not 1 <= len(value) <= MAX_LINES:
        raise BadValue("invalid_type", f"it has {len(value)} lines; send 1 to {MAX_LINES}")
    lines = []
    for position, each in enumerate(value):
        if not isinstance(each, dict):
            raise BadValue("invalid_type", advice, path=f"/{position}")
        reading = read_members(each, _LINE_READERS)
        if reading.bad:
            name, bad_value, bad = reading.bad[0]
            raise BadValue(
                bad.code,
                f"{name} is {shown(bad_value)}; {bad.advice}",
                path=f"/{position}/{name}{bad.path}",
            )
        values = reading.values
        item_id = values.pop("id", None)
        if item_id is None:
            raise BadValue("missing_field", "each line needs an id", path=f"/{position}/id")
        lines.append(Line(item_id=item_id, **values))
    return lines


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "type": read_type,
        "user_id": read_id,
        "anonymous_id": read_id,
        "session_id": read_id,
        "item_id": read_id,
        "items": read_lines,
        "quantity": read_quantity,
        "price": read_price,
        "line_id": read_id,
        "ts": read_time,
        "event_id": read_id,
        "order_id": read_id,
        "value": read_price,
        "currency": read_currency,
        "query": read_text,
        "category": read_text,
        "recommendation_id": read_recommendation_id,
        "placement": read_id,
        "context": read_context,
    }
)


class EventRow(msgspec.Struct, eq=False):
    """A readable event.

    Attributes
    ----------
    index, pointer
        Which row of the request it is, and the JSON pointer to any of them.
    key
        Names the event: the same event has the same one.
    digest
        Of everything that was sent, so that a repeat differs from a conflict.
    values
        What was read, by the names of the contract; absent members are missing.
    """

    index: int
    pointer: str
    key: bytes
    digest: bytes
    type: str
    occurred_at: datetime
    values: dict[str, Any]
    lines: list[Line]

    @property
    def place(self) -> Place:
        """Where it stands in the request."""
        return place_of(self.index, self.pointer)


def place_of(index: int, pointer: str) -> Place:
    """Return where an event stands; `pointer` leads to the event with its index put in."""
    return Place(noun="Event", pointer=pointer.format(index=index), index=index)


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a request came, and by how much the sender's clock is off."""

    received_at: datetime
    correction: timedelta = timedelta(0)

    def happened_at(self, ts: datetime | None) -> datetime:
        """Return the moment of an event on our clock."""
        if ts is None:
            return self.received_at
        try:
            return ts + self.correction
        except OverflowError:
            # Off the calendar, so out of range on whichever side.
            return datetime.max.replace(tzinfo=UTC)


def read_event_row(
    row: Any, *, index: int, pointer: str, arrival: Arrival, warnings: list[FieldError]
) -> EventRow | list[FieldError]:
    """Return the event, or an error for each thing that is wrong with it.

    Unknown members are no error: each is named in `warnings`.
    """
    place = place_of(index, pointer)
    if not isinstance(row, dict):
        return [place.error("", "invalid_type", 'is no object; send {"type": "view", …}.')]
    reading = read_members(row, READERS)
    for name in reading.unknown:
        known = nearest(name, READERS)
        warnings.append(
            place.error(name, "unknown_field", f"has the unknown field '{name[:80]}'{known}.")
        )
    values = reading.values
    if None in values.values():
        values = {name: value for name, value in values.items() if value is not None}
    errors = reading.errors(place) if reading.bad else []
    if not errors:
        errors = _missing(values, place)
    occurred_at = arrival.happened_at(values.get("ts"))
    if occurred_at > arrival.received_at + MAX_FUTURE:
        errors.append(
            place.error(
                "ts",
                "timestamp_out_of_range",
                f"has ts {shown(row['ts'])}, more than 24 hours ahead; check the sender's clock "
                "or send 'sent_at'.",
            )
        )
    if errors:
        return errors
    key, digest = event_key_of(row, event_id=values.get("event_id"), has_time="ts" in values)
    return EventRow(
        index=index,
        pointer=pointer,
        key=key,
        digest=digest,
        type=values["type"],
        occurred_at=occurred_at,
        lines=_lines(values),
        values=values,
    )


def _missing(values: Mapping[str, Any], place: Place) -> list[FieldError]:
    type_ = values.get("type")
    if type_ is None:
        return [place.error("type", "missing_field", "has no type; send one such as 'view'.")]
    if ACTORS.isdisjoint(values):
        return [
            place.error(
                "",
                "missing_shopper",
                "names nobody; send a user_id, an anonymous_id, a session_id or an order_id.",
            )
        ]
    needed = _SUBJECTS.get(type_, "item_id")
    if "item_id" in values and "items" in values:
        return [
            place.error("items", "conflicting_fields", "has item_id and items; send one of them.")
        ]
    has_subject = needed in values or (needed == "item_id" and "items" in values)
    if not has_subject and not type_.startswith(CUSTOM):
        return [
            place.error(
                needed, "missing_field", f"is a {type_} without {needed}; say what it is about."
            )
        ]
    if type_ == "refund" and "order_id" not in values:
        return [
            place.error(
                "order_id", "missing_field", "is a refund without order_id; say of which order."
            )
        ]
    return []


def _lines(values: dict[str, Any]) -> list[Line]:
    if "items" in values:
        lines: list[Line] = values["items"]
        return lines
    get = values.get
    return [Line(get("item_id"), get("quantity"), get("price"), get("line_id"))]
