"""Stores the events of one request with a few set-based statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from engine.rows.event_key import KEY_BYTES
from engine.rows.event_row import EventRow

# What is known is looked up by scalar subqueries, index look-ups whatever the planner believes:
# as a join it scans the table of a store whose rows were never counted (5 times slower, measured).
# Looked up before they are inserted, since a conflict would use up a number of the id's sequence.
_ENSURE = """
    WITH unknown_refs AS (
        INSERT INTO engine_itemref (ref)
        SELECT sent.ref FROM unnest(string_to_array(%s, chr(31))) AS sent (ref)
        WHERE (SELECT true FROM engine_itemref AS known WHERE known.ref = sent.ref) IS NULL
        ORDER BY sent.ref
        ON CONFLICT (ref) DO NOTHING
    )
    INSERT INTO engine_shopper
        (kind, external_id, attributes, personalise, created_at, updated_at, change_seq)
    SELECT sent.kind, sent.external_id, '{}', true, %s, %s, 0
    FROM unnest(
        string_to_array(%s, chr(31)), string_to_array(%s, chr(31))
    ) AS sent (kind, external_id)
    WHERE (
        SELECT true FROM engine_shopper AS known
        WHERE known.kind = sent.kind AND known.external_id = sent.external_id
    ) IS NULL
    ORDER BY sent.kind, sent.external_id
    ON CONFLICT (kind, external_id) DO NOTHING
"""
# In the order of the keys, so that two requests with the same events never wait in a circle.
# Columns come as one text each: psycopg packs an array element by element, in Python.
_INSERT = """
    WITH sent AS (
        SELECT * FROM unnest(
            string_to_array(%s, ',')::uuid[], string_to_array(%s, ','), %b::smallint[],
            string_to_array(%s, ',')::timestamptz[],
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''),
            %b::numeric[], %b::numeric[], %b::numeric[], %b::text[], %b::text[], %b::text[]
        ) AS line (
            event_key, content_digest, line, occurred_at,
            type, item_id, line_id, event_id, user_id, anonymous_id, session_id, currency,
            order_id, recommendation_id, placement,
            quantity, price, value, query, category, context
        )
    ), stored AS (
        INSERT INTO engine_event (
            event_key, line, content_digest, event_id, source, type, occurred_at, received_at,
            user_id, anonymous_id, session_id, item_ref_id, quantity, price,
            currency, order_id, line_id, value, query, category,
            recommendation_id, placement, context
        )
        SELECT event_key, line, decode(content_digest, 'hex'), event_id, %s, type,
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
        ON CONFLICT (event_key, line) DO NOTHING
        RETURNING event_key, line
    )
    SELECT string_agg(uuid_send(event_key), ''::bytea) FROM stored WHERE line = 0
"""
_DIGESTS = """
    SELECT event_key, content_digest FROM engine_event
    WHERE line = 0 AND event_key = ANY(
        string_to_array(%s, ',')::uuid[]
    )
"""
# Nothing that reads as an id holds it (engine.rows.values.read_id).
_SEPARATOR = "\x1f"
# The columns that hold ids, codes and other names, by their names in the contract.
_NAMES = (
    "event_id",
    "user_id",
    "anonymous_id",
    "session_id",
    "currency",
    "order_id",
    "recommendation_id",
    "placement",
)


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
    kinds, ids = zip(*shoppers, strict=True) if shoppers else ((), ())
    with connection.cursor() as cursor:
        cursor.execute(_ENSURE, [_joined(refs), now, now, _joined(kinds), _joined(ids)])


def insert_events(rows: Collection[EventRow], *, source: str, received_at: datetime) -> set[bytes]:
    """Insert events and return the keys of those that were not there yet."""
    numbered = [(row, number) for row in rows for number in range(len(row.lines))]
    if not numbered:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [*_columns(numbered), source, received_at])
        (keys,) = cursor.fetchone()
    return {keys[at : at + KEY_BYTES] for at in range(0, len(keys or b""), KEY_BYTES)}


def stored_digests(keys: Collection[bytes]) -> dict[bytes, bytes]:
    """Return what stored events say, by key."""
    with connection.cursor() as cursor:
        cursor.execute(_DIGESTS, [b"".join(keys).hex(",", KEY_BYTES)])
        return {key.bytes: bytes(digest) for key, digest in cursor}


def _columns(numbered: list[tuple[EventRow, int]]) -> list[Any]:
    """Return the lines as the parameters of the insert's unnest(), which fills up with nulls."""
    values = [row.values for row, _ in numbered]
    lines = [row.lines[number] for row, number in numbered]
    named = set().union(*values)
    return [
        b"".join([row.key for row, _ in numbered]).hex(",", KEY_BYTES),
        b"".join([row.digest for row, _ in numbered]).hex(",", KEY_BYTES),
        [number for _, number in numbered],
        ",".join([row.occurred_at.isoformat() for row, _ in numbered]),
        _joined([row.type for row, _ in numbered]),
        _joined([line.item_id for line in lines]),
        _joined([line.line_id for line in lines]),
        *(_joined([each.get(name) for each in values]) if name in named else "" for name in _NAMES),
        _array([line.quantity for line in lines]),
        _array([line.price for line in lines]),
        _array(_once(numbered, "value")),
        _array(_once(numbered, "query")),
        _array([each.get("category") for each in values]),
        _array(
            [
                None if context is None else orjson.dumps(context).decode()
                for context in _once(numbered, "context")
            ]
        ),
    ]


def _once(numbered: list[tuple[EventRow, int]], name: str) -> list[Any]:
    """Return a column that is kept with the first line alone: a sum over the table counts once."""
    return [None if number else row.values.get(name) for row, number in numbered]


def _joined(texts: Iterable[str | None]) -> str:
    return _SEPARATOR.join([text or "" for text in texts])


def _array(column: list[Any]) -> list[Any]:
    return [] if column.count(None) == len(column) else column
