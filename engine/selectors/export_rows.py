"""Reads a store's items and events for an export, a page in its own short transaction at a time.

Pages by key, not one cursor: an export of millions of rows would hold back the vacuum of every
table for its whole length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from django.db import connection

from engine.files.table_writers import plain_amount, plain_number
from engine.rows.event_key import id_of_key
from engine.selectors.event_contents import EVENT_COLUMNS, EVENT_MEMBERS, ITEM_ID_COLUMN
from engine.selectors.items import MEMBERS

ITEMS_AT_ONCE = 1_000
# More than one event has, so that a page always holds a whole one.
EVENT_LINES_AT_ONCE = 5_000

_ITEMS = f"""
    SELECT item_id, {", ".join(MEMBERS)} FROM engine_item
    WHERE deleted_at IS NULL AND item_id > %s ORDER BY item_id LIMIT %s
"""  # noqa: S608  # made of constants
_EVENTS = f"""
    SELECT event_key, occurred_at, {ITEM_ID_COLUMN}, quantity, price, line_id, event_id, type,
        {EVENT_COLUMNS}
    FROM engine_event
    WHERE (occurred_at, event_key) > (%s::timestamptz, %s::uuid) AND received_at <= %s
    ORDER BY occurred_at, event_key, line LIMIT %s
"""  # noqa: S608  # made of constants
_COUNTS = {
    "items": "SELECT count(*) FROM engine_item WHERE deleted_at IS NULL",
    "events": "SELECT count(*) FROM engine_event WHERE line = 0",
}
_BEFORE_ALL = ("-infinity", "00000000-0000-0000-0000-000000000000")


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Some rows by the names of an import's columns, and where the next page begins, if any."""

    rows: list[dict[str, Any]]
    next: Any


def count_rows(kind: str) -> int:
    """Return how many items or events there are now."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS[kind])
        return int(cursor.fetchone()[0])


def item_rows(*, after: str | None) -> ExportPage:
    """Return items in the order of their ids, those after an id."""
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, [after or "", ITEMS_AT_ONCE])
        rows = [_item(row) for row in cursor]
    is_full = len(rows) == ITEMS_AT_ONCE
    return ExportPage(rows, rows[-1]["id"] if is_full else None)


def event_rows(*, after: tuple[str, str] | None, received_until: datetime) -> ExportPage:
    """Return events, the oldest first, those after a time and key and received until a moment."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [*(after or _BEFORE_ALL), received_until, EVENT_LINES_AT_ONCE])
        lines = cursor.fetchall()
    events = [list(group) for _, group in groupby(lines, key=itemgetter(0))]
    if len(lines) < EVENT_LINES_AT_ONCE:
        return ExportPage([_event(each) for each in events], None)
    # The last one may go on behind the limit.
    whole = events[:-1]
    last = whole[-1][0]
    return ExportPage([_event(each) for each in whole], (last[1].isoformat(), str(last[0])))


def _item(row: Sequence[Any]) -> dict[str, Any]:
    item = dict(zip(("id", *MEMBERS), row, strict=True))
    item["attributes"] = orjson.loads(item["attributes"])
    return item


def _event(lines: Sequence[Sequence[Any]]) -> dict[str, Any]:
    key, occurred_at, item_id, quantity, price, line_id, *members = lines[0]
    event: dict[str, Any] = dict(zip(("event_id", "type", *EVENT_MEMBERS), members, strict=True))
    if event["event_id"] is None:
        event["event_id"] = id_of_key(key.bytes)
    if event["context"] is not None:
        event["context"] = orjson.loads(event["context"])
    event["ts"] = occurred_at
    event["items"] = [_line(each) for each in lines] if len(lines) > 1 else None
    is_one = len(lines) == 1
    event["item_id"] = item_id if is_one else None
    event["quantity"] = quantity if is_one else None
    event["price"] = price if is_one else None
    event["line_id"] = line_id if is_one else None
    # An event has nothing to clear: what it lacks need not be said.
    return {name: value for name, value in event.items() if value is not None}


def _line(row: Sequence[Any]) -> Mapping[str, Any]:
    _, _, item_id, quantity, price, line_id, *_ = row
    line = {
        "id": item_id,
        "quantity": None if quantity is None else plain_number(quantity),
        "price": None if price is None else plain_amount(price),
        "line_id": line_id,
    }
    return {name: value for name, value in line.items() if value is not None}
