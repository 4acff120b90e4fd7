"""Drops lines of orders that another report of the same order has brought already."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from engine.rows.event_row import EventRow

_ORDERED = frozenset({"purchase", "refund"})
# Two reports of one order must not look at the same time. Few locks, whatever a request's size.
_LOCKS = 64
_LOCK = """
    SELECT pg_advisory_xact_lock(%s, slot)
    FROM (
        SELECT DISTINCT abs(hashtext(order_id) %% %s) AS slot
        FROM unnest(%b::text[]) AS order_id ORDER BY 1
    ) AS slots
"""
# A lock's first number says what the second is about.
_LOCK_SPACE = 7_301
# A scalar subquery, so that it stays a look-up by the order's index (see store_events.py).
_REPORTED = """
    SELECT sent.position
    FROM unnest(%b::bytea[], %b::text[], %b::text[], %b::text[], %b::text[]) WITH ORDINALITY
        AS sent (event_key, type, order_id, item_id, line_id, position)
    WHERE (
        SELECT true
        FROM engine_event AS stored
        JOIN engine_itemref AS stored_ref ON stored_ref.id = stored.item_ref_id
        JOIN engine_itemref AS sent_ref ON sent_ref.ref = sent.item_id
        WHERE stored.order_id = sent.order_id AND stored.type = sent.type
            AND stored.event_key <> encode(sent.event_key, 'hex')::uuid
            AND (stored.source <> %s OR stored.line_id = sent.line_id)
            AND (stored_ref.id = sent_ref.id OR stored_ref.item_id = sent_ref.item_id)
        LIMIT 1
    )
"""


def drop_reported_lines(rows: Collection[EventRow], *, source: str) -> set[bytes]:
    """Take the lines that are known out of purchases and refunds; call it before the insert.

    A line is known where the same order, item and type came from another source (browser and
    server both report a purchase), or from this one with the same `line_id`. Without a `line_id`
    a source may report an item of an order twice: somebody bought two.

    Parameters
    ----------
    rows
        The events of a request; their lines are changed in place.
    source
        Which way they came in.

    Returns
    -------
    set of bytes
        The keys of events of which no line is left.
    """
    candidates = [
        (row, number)
        for row in rows
        if row.type in _ORDERED and "order_id" in row.values
        for number in range(len(row.lines))
    ]
    if not candidates:
        return set()
    known = _reported(candidates, source=source) | _repeated(candidates)
    emptied: set[bytes] = set()
    for row in {row.key: row for row, _ in (candidates[position] for position in known)}.values():
        gone = {candidates[position][1] for position in known if candidates[position][0] is row}
        row.lines = [line for number, line in enumerate(row.lines) if number not in gone]
        if not row.lines:
            emptied.add(row.key)
    return emptied


def _reported(candidates: list[tuple[EventRow, int]], *, source: str) -> set[int]:
    orders = [row.values["order_id"] for row, _ in candidates]
    lines = [row.lines[number] for row, number in candidates]
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_LOCK_SPACE, _LOCKS, orders])
        cursor.execute(
            _REPORTED,
            [
                [row.key for row, _ in candidates],
                [row.type for row, _ in candidates],
                orders,
                [line.item_id for line in lines],
                [line.line_id or "" for line in lines],
                source,
            ],
        )
        return {position - 1 for (position,) in cursor}


def _repeated(candidates: list[tuple[EventRow, int]]) -> set[int]:
    seen: set[tuple[str, str, str | None, str]] = set()
    repeated: set[int] = set()
    for position, (row, number) in enumerate(candidates):
        line = row.lines[number]
        if line.line_id is not None:
            name = (row.type, row.values["order_id"], line.item_id, line.line_id)
            if name in seen:
                repeated.add(position)
            seen.add(name)
    return repeated
