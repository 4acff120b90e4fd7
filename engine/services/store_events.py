"""Stores the events of one request with a few set-based statements."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db import connection

from engine.rows.event_key import KEY_BYTES
from engine.rows.event_row import EventRow

# One round trip. What is known is looked up by scalar subqueries, index look-ups whatever the
# planner believes: as a join it scans the table of a store whose rows were never counted (5 times
# slower, measured). What nobody has named before is made on the way; "DO UPDATE" returns what
# another request makes in this moment. All wait for each other in one order: refs, shoppers, and
# events by their keys, so that two requests with the same events never wait in a circle.
# Columns come as one text each: psycopg packs an array element by element, in Python.
_INSERT = """
    WITH sent AS (
        SELECT line.*,
            (SELECT id FROM engine_itemref WHERE ref = line.item_id) AS known_ref,
            (
                SELECT id FROM engine_shopper WHERE kind = 'user' AND external_id = line.user_id
            ) AS known_user,
            (
                SELECT id FROM engine_shopper
                WHERE kind = 'anonymous' AND external_id = line.anonymous_id
            ) AS known_visitor
        FROM unnest(
            string_to_array(%s, ',')::uuid[], string_to_array(%s, ','),
            string_to_array(%s, ',')::smallint[],
            string_to_array(%s, ',')::bigint[],
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''), string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), ''),
            string_to_array(%s, chr(31), '')::numeric[],
            string_to_array(%s, chr(31), '')::numeric[],
            string_to_array(%s, chr(31), '')::numeric[], %b::text[], %b::text[], %b::text[]
        ) AS line (
            event_key, content_digest, line, microseconds,
            type, item_id, line_id, event_id, user_id, anonymous_id, session_id, currency,
            order_id, recommendation_id, placement,
            quantity, price, value, query, category, context
        )
    ), new_ref AS (
        INSERT INTO engine_itemref (ref)
        SELECT DISTINCT item_id FROM sent WHERE known_ref IS NULL AND item_id IS NOT NULL
        ORDER BY item_id
        ON CONFLICT (ref) DO UPDATE SET ref = EXCLUDED.ref
        RETURNING id, ref
    ), new_shopper AS (
        INSERT INTO engine_shopper
            (kind, external_id, attributes, personalise, created_at, updated_at, change_seq)
        SELECT kind, external_id, '{}', true, %s, %s, 0
        FROM (
            SELECT 'user', user_id FROM sent WHERE known_user IS NULL AND user_id IS NOT NULL
            UNION
            SELECT 'anonymous', anonymous_id FROM sent
            WHERE known_visitor IS NULL AND anonymous_id IS NOT NULL
        ) AS named (kind, external_id)
        WHERE (SELECT count(*) FROM new_ref) >= 0
        ORDER BY kind, external_id
        ON CONFLICT (kind, external_id) DO UPDATE SET external_id = EXCLUDED.external_id
        RETURNING id, kind, external_id
    ), stored AS (
        INSERT INTO engine_event (
            event_key, line, content_digest, event_id, source, type, occurred_at, received_at,
            user_id, anonymous_id, session_id, item_ref_id, quantity, price,
            currency, order_id, line_id, value, query, category,
            recommendation_id, placement, context
        )
        SELECT event_key, line, decode(content_digest, 'hex'), event_id, %s, type,
            'epoch'::timestamptz + microseconds * interval '1 microsecond', %s,
            coalesce(known_user, ((
                SELECT jsonb_object_agg(external_id, id) FROM new_shopper WHERE kind = 'user'
            ) ->> user_id)::int),
            coalesce(known_visitor, ((
                SELECT jsonb_object_agg(external_id, id) FROM new_shopper WHERE kind = 'anonymous'
            ) ->> anonymous_id)::int),
            session_id,
            coalesce(
                known_ref, ((SELECT jsonb_object_agg(ref, id) FROM new_ref) ->> item_id)::int
            ),
            quantity, price, currency, order_id, line_id, value, query, category,
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
# PostgreSQL reads a number in a fraction of the time that it takes for a date, Python writes it so.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
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


def insert_events(rows: Collection[EventRow], *, source: str, received_at: datetime) -> set[bytes]:
    """Insert events, and whom and what they name; return the keys of those that were not there."""
    numbered = [(row, number) for row in rows for number in range(len(row.lines))]
    if not numbered:
        return set()
    parameters = [*_columns(numbered), received_at, received_at, source, received_at]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, parameters)
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
        ",".join([str(number) for _, number in numbered]),
        ",".join([str((row.occurred_at - _EPOCH) // _MICROSECOND) for row, _ in numbered]),
        _joined([row.type for row, _ in numbered]),
        _joined([line.item_id for line in lines]),
        _joined([line.line_id for line in lines]),
        *(_joined([each.get(name) for each in values]) if name in named else "" for name in _NAMES),
        _joined_numbers([line.quantity for line in lines]),
        _joined_numbers([line.price for line in lines]),
        _joined_numbers(_once(numbered, "value")) if "value" in named else "",
        _once(numbered, "query") if "query" in named else [],
        [each.get("category") for each in values] if "category" in named else [],
        [
            None if context is None else orjson.dumps(context).decode()
            for context in _once(numbered, "context")
        ]
        if "context" in named
        else [],
    ]


def _once(numbered: list[tuple[EventRow, int]], name: str) -> list[Any]:
    """Return a column that is kept with the first line alone: a sum over the table counts once."""
    return [None if number else row.values.get(name) for row, number in numbered]


def _joined(texts: list[str | None]) -> str:
    if texts.count(None) == len(texts):
        return ""
    return _SEPARATOR.join([text or "" for text in texts])


def _joined_numbers(numbers: list[Any]) -> str:
    return _joined([None if number is None else str(number) for number in numbers])
