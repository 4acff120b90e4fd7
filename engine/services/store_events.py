"""Stores the events of one request with a few set-based statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection

from engine.rows.event_row import EventRow, Line

# What is known is looked up by scalar subqueries, index look-ups whatever the planner believes:
# as a join it scans the table of a store whose rows were never counted (5 times slower, measured).
# Looked up before they are inserted, since a conflict would use up a number of the id's sequence.
_ENSURE = """
    WITH unknown_refs AS (
        INSERT INTO engine_itemref (ref)
        SELECT sent.ref FROM unnest(%b::text[]) AS sent (ref)
        WHERE (SELECT true FROM engine_itemref AS known WHERE known.ref = sent.ref) IS NULL
        ORDER BY sent.ref
        ON CONFLICT DO NOTHING
    )
    INSERT INTO engine_shopper
        (kind, external_id, attributes, personalise, created_at, updated_at, change_seq)
    SELECT sent.kind, sent.external_id, '{}', true, %s, %s, 0
    FROM unnest(%b::text[], %b::text[]) AS sent (kind, external_id)
    WHERE (
        SELECT true FROM engine_shopper AS known
        WHERE known.kind = sent.kind AND known.external_id = sent.external_id
    ) IS NULL
    ORDER BY sent.kind, sent.external_id
    ON CONFLICT DO NOTHING
"""
# In the order of the keys, so that two requests with the same events never wait in a circle.
_INSERT = """
    WITH sent AS (
        SELECT * FROM unnest(
            %b::bytea[], %b::smallint[], %b::bytea[], %b::text[], %b::text[], %b::timestamptz[],
            %b::text[], %b::text[], %b::text[], %b::text[], %b::numeric[], %b::numeric[],
            %b::text[], %b::text[], %b::text[], %b::numeric[], %b::text[], %b::text[],
            %b::text[], %b::text[], %b::text[]
        ) AS line (
            event_key, line, content_digest, event_id, type, occurred_at,
            user_id, anonymous_id, session_id, item_id, quantity, price,
            currency, order_id, line_id, value, query, category,
            recommendation_id, placement, context
        )
    ), stored AS (
        INSERT INTO engine_event (
            event_key, line, content_digest, event_id, source, type, occurred_at, received_at,
            user_id, anonymous_id, session_id, item_ref_id, quantity, price,
            currency, order_id, line_id, value, query, category,
            recommendation_id, placement, context
        )
        SELECT encode(event_key, 'hex')::uuid, line, content_digest, event_id, %s, type,
            occurred_at, %s,
            (SELECT id FROM engine_shopper WHERE kind = 'user' AND external_id = sent.user_id),
            (
                SELECT id FROM engine_shopper
                WHERE kind = 'anonymous' AND external_id = sent.anonymous_id
            ),
            session_id, (SELECT id FROM engine_itemref WHERE ref = sent.item_id), quantity, price,
            currency, order_id, line_id, value, query, category,
            recommendation_id, placement, context::jsonb
        FROM sent
        ORDER BY event_key, line
        ON CONFLICT DO NOTHING
        RETURNING event_key, line
    )
    SELECT event_key FROM stored WHERE line = 0
"""
_DIGESTS = """
    SELECT event_key, content_digest FROM engine_event
    WHERE line = 0 AND event_key = ANY(
        ARRAY(SELECT encode(key, 'hex')::uuid FROM unnest(%b::bytea[]) AS key)
    )
"""
# Kept with the first line alone, so that a sum over the table counts them once.
_ONCE = ("value", "query", "context")


class _StoredLine(NamedTuple):
    event_key: bytes
    line: int
    content_digest: bytes
    event_id: str | None
    type: str
    occurred_at: datetime
    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    item_id: str | None
    quantity: Any
    price: Any
    currency: str | None
    order_id: str | None
    line_id: str | None
    value: Any
    query: str | None
    category: str | None
    recommendation_id: str | None
    placement: str | None
    context: str | None


def ensure_referenced(rows: Iterable[EventRow], *, now: datetime) -> None:
    """Make rows for the items and shoppers that nobody has named before."""
    refs: set[str] = set()
    shoppers: set[tuple[str, str]] = set()
    for row in rows:
        refs.update(line.item_id for line in row.lines if line.item_id is not None)
        if user_id := row.values.get("user_id"):
            shoppers.add(("user", user_id))
        if anonymous_id := row.values.get("anonymous_id"):
            shoppers.add(("anonymous", anonymous_id))
    if not refs and not shoppers:
        return
    with connection.cursor() as cursor:
        kinds, ids = _columns(list(shoppers), width=2)
        cursor.execute(_ENSURE, [list(refs), now, now, kinds, ids])


def insert_events(rows: Collection[EventRow], *, source: str, received_at: datetime) -> set[bytes]:
    """Insert events and return the keys of those that were not there yet."""
    lines = [_stored(row, number, line) for row in rows for number, line in enumerate(row.lines)]
    if not lines:
        return set()
    columns = _columns(lines, width=len(_StoredLine._fields))
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [*columns, source, received_at])
        return {key.bytes for (key,) in cursor}


def stored_digests(keys: Collection[bytes]) -> dict[bytes, bytes]:
    """Return what stored events say, by key."""
    with connection.cursor() as cursor:
        cursor.execute(_DIGESTS, [list(keys)])
        return {key.bytes: bytes(digest) for key, digest in cursor}


def _stored(row: EventRow, number: int, line: Line) -> _StoredLine:
    get = row.values.get
    value, query, context = (get(name) for name in _ONCE) if number == 0 else (None, None, None)
    return _StoredLine(
        row.key,
        number,
        row.digest,
        get("event_id"),
        row.type,
        row.occurred_at,
        get("user_id"),
        get("anonymous_id"),
        get("session_id"),
        line.item_id,
        line.quantity,
        line.price,
        get("currency"),
        get("order_id"),
        line.line_id,
        value,
        query,
        get("category"),
        get("recommendation_id"),
        get("placement"),
        None if context is None else orjson.dumps(context).decode(),
    )


def _columns(rows: Sequence[tuple[Any, ...]], *, width: int) -> list[list[Any]]:
    """Turn rows into columns; one of nulls alone is empty, which unnest() fills up with nulls."""
    if not rows:
        return [[] for _ in range(width)]
    return [
        [] if column.count(None) == len(column) else list(column)
        for column in zip(*rows, strict=True)
    ]
