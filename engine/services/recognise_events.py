"""Tells an event that comes again in other words from another event under the same id.

The digest of an event is of the text that was sent. A file of the same events writes them
otherwise: prices with other decimals, one item where a list of one was, an export of ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection

from engine.rows.event_key import KEY_BYTES
from engine.rows.event_row import EventRow, Line
from engine.selectors.event_contents import EVENT_COLUMNS, EVENT_MEMBERS, ITEM_ID_COLUMN
from engine.services.store_events import stored_digests

_STORED = f"""
    SELECT event_key, type, occurred_at, {ITEM_ID_COLUMN}, quantity, price, line_id,
        {EVENT_COLUMNS}
    FROM engine_event
    WHERE event_key = ANY(string_to_array(%s, ',')::uuid[]) ORDER BY event_key, line
"""  # noqa: S608  # made of constants


class _Content(NamedTuple):
    type: str
    occurred_at: datetime
    members: tuple[Any, ...]
    lines: list[Line]


def recognised_digests(rows: Collection[EventRow]) -> dict[bytes, bytes]:
    """Return the digests of stored events by key: a row's own where it says what is stored.

    Parameters
    ----------
    rows
        Events whose keys are known.
    """
    digests = stored_digests([row.key for row in rows])
    others = [row for row in rows if digests.get(row.key, row.digest) != row.digest]
    if others:
        contents = _stored_contents([row.key for row in others])
        for row in others:
            if row.key in contents and _says(row, contents[row.key]):
                digests[row.key] = row.digest
    return digests


def _stored_contents(keys: Sequence[bytes]) -> dict[bytes, _Content]:
    contents: dict[bytes, _Content] = {}
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [b"".join(keys).hex(",", KEY_BYTES)])
        for key, type_, occurred_at, item_id, quantity, price, line_id, *members in cursor:
            if key.bytes not in contents:
                if members[-1] is not None:
                    members[-1] = orjson.loads(members[-1])
                contents[key.bytes] = _Content(type_, occurred_at, tuple(members), [])
            contents[key.bytes].lines.append(Line(item_id, quantity, price, line_id))
    return contents


def _says(row: EventRow, stored: _Content) -> bool:
    members = tuple(row.values.get(name) for name in EVENT_MEMBERS)
    if (row.type, row.occurred_at, members) != (stored.type, stored.occurred_at, stored.members):
        return False
    # Lines of an order that another report brought are stored with that one.
    missing = Counter(row.lines) - Counter(stored.lines)
    return not missing and (len(row.lines) == len(stored.lines) or "order_id" in row.values)
