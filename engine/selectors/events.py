"""Reads stored events as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from engine.rows.event_key import id_of_key
from engine.selectors.items import moment, money

# What a filter of the API asks of the lines; each is added where it is sent.
_FILTERS: Mapping[str, str] = {
    "user_id": "user_id = (SELECT id FROM engine_shopper WHERE kind = 'user' AND external_id = %s)",
    "anonymous_id": "anonymous_id = (SELECT id FROM engine_shopper "
    "WHERE kind = 'anonymous' AND external_id = %s)",
    "order_id": "order_id = %s",
    "item_id": "item_ref_id = (SELECT id FROM engine_itemref WHERE ref = %s)",
    "type": "type = %s",
    "since": "occurred_at >= %s",
    "until": "occurred_at < %s",
}
_PAGE = """
    SELECT DISTINCT occurred_at, event_key FROM engine_event
    WHERE {conditions}
    ORDER BY occurred_at DESC, event_key DESC
    LIMIT %s
"""
_LINES = """
    SELECT event.event_key, event.event_id, event.type, shopper.external_id, visitor.external_id,
        event.session_id, ref.ref, event.quantity, event.price, event.line_id, event.occurred_at,
        event.received_at, event.order_id, event.value, event.currency, event.query,
        event.category, event.recommendation_id, event.placement, event.context
    FROM engine_event AS event
    LEFT JOIN engine_shopper AS shopper ON shopper.id = event.user_id AND shopper.kind = 'user'
    LEFT JOIN engine_shopper AS visitor
        ON visitor.id = event.anonymous_id AND visitor.kind = 'anonymous'
    LEFT JOIN engine_itemref AS ref ON ref.id = event.item_ref_id
    WHERE event.event_key = ANY(%s)
    ORDER BY event.occurred_at DESC, event.event_key DESC, event.line
"""


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event with what its place in a page depends on."""

    occurred_at: datetime
    event_key: str
    body: dict[str, Any]


def event_page(
    *, filters: Mapping[str, Any], after: tuple[datetime, str] | None, limit: int
) -> list[ShownEvent]:
    """Return events, newest first, one more than the limit where there are more.

    Parameters
    ----------
    filters
        What to look for, by the names of the contract; times are datetimes.
    after
        Time and key of the last event of the page before.
    """
    conditions = [_FILTERS[name] for name in filters]
    parameters = list(filters.values())
    if after is not None:
        conditions.append("(occurred_at, event_key) < (%s, %s::uuid)")
        parameters += after
    statement = _PAGE.format(conditions=" AND ".join(conditions) or "true")
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, limit + 1])
        keys = [key for _, key in cursor]
    return events_by_keys(keys)


def events_by_keys(keys: Sequence[UUID]) -> list[ShownEvent]:
    """Return whole events, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [list(keys)])
        rows = cursor.fetchall()
    events: dict[Any, ShownEvent] = {}
    for row in rows:
        if row[0] not in events:
            events[row[0]] = _event(row)
        if row[6] is not None:
            events[row[0]].body["items"].append(_line(row))
    return list(events.values())


def _event(row: tuple[Any, ...]) -> ShownEvent:
    key, event_id, type_, user_id, anonymous_id, session_id, *_ = row
    occurred_at, received_at, order_id, value, currency, query, category = row[10:17]
    recommendation_id, placement, context = row[17:]
    return ShownEvent(
        occurred_at=occurred_at,
        event_key=str(key),
        body={
            "event_id": event_id if event_id is not None else id_of_key(key.bytes),
            "type": type_,
            "user_id": user_id,
            "anonymous_id": anonymous_id,
            "session_id": session_id,
            "items": [],
            "ts": moment(occurred_at),
            "received_at": moment(received_at),
            "order_id": order_id,
            "value": money(value),
            "currency": currency,
            "query": query,
            "category": category,
            "recommendation_id": recommendation_id,
            "placement": placement,
            "context": None if context is None else orjson.loads(context),
        },
    )


def _line(row: tuple[Any, ...]) -> dict[str, Any]:
    ref, quantity, price, line_id = row[6:10]
    return {
        "id": ref,
        "quantity": None if quantity is None else _number(quantity),
        "price": money(price),
        "line_id": line_id,
    }


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == int(quantity) else float(quantity)
