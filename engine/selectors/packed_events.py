"""Reads a store's events as arrays: PostgreSQL packs the rows, numpy takes the bytes as they are.

A row costs Python nothing this way; the ORM's `values_list` takes many times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from psycopg.pq import Format

from engine.core.dataset import EVENT_WEIGHTS
from tenants.context import in_environment
from tenants.db.connection import connection

_TYPE_NAMES = list(EVENT_WEIGHTS)
_LEARNED = ", ".join(f"'{name}'" for name, weight in EVENT_WEIGHTS.items() if weight)
_TYPE_INDEX = " ".join(f"WHEN '{name}' THEN {at}" for at, name in enumerate(_TYPE_NAMES))
# timestamptz_send() counts microseconds from here.
_POSTGRES_EPOCH_SECONDS = 946_684_800
_ROW = np.dtype(
    [("shopper", ">i4"), ("item_ref", ">i4"), ("occurred_at", ">i8"), ("basket", ">i8")]
)
# The basket's word: 59 bits of the id's hash, whether the id is an order's, and the type.
_TYPE_BITS, _ORDER_BIT, _HASH_SHIFT = 0b1111, 0b10000, 5
# 2,048 pages hold about 100,000 events: 2.5 MB packed, and nothing to sort or to group.
_PAGES = 2_048
# A table has no more pages.
_LAST_PAGE = (1 << 32) - 1
# A third one would find no core: each keeps its backend and, for a quarter of that, us busy.
_READERS = 2
# As few calls for a row as can be: to pack eight columns one by one took twice as long as to scan
# them. extract() makes a numeric of each time, array_position() reads an array each time.
_STATEMENT = f"""
    SELECT string_agg(
        int8send(coalesce(user_id, anonymous_id, 0)::bigint << 32 | item_ref_id)
        || timestamptz_send(occurred_at)
        || int8send(
            coalesce(hashtextextended(coalesce(order_id, session_id), 0), 0) << {_HASH_SHIFT}
            | CASE WHEN order_id IS NULL THEN 0 ELSE {_ORDER_BIT} END
            | CASE type {_TYPE_INDEX} END
        ),
        ''::bytea
    ), string_agg(
        float4send(CASE WHEN quantity > 0 THEN quantity::real ELSE 1 END), ''::bytea
    ) FILTER (WHERE type IN ('purchase', 'refund'))
    FROM engine_event
    WHERE ctid >= %s::tid AND ctid < %s::tid AND item_ref_id IS NOT NULL AND type IN ({_LEARNED})
"""  # noqa: S608  # our own constants
_SIZE = "SELECT pg_relation_size('engine_event') / current_setting('block_size')::bigint"

_Block = tuple[bytes, bytes]


@dataclass(frozen=True)
class PackedEvents:
    """Event lines about an item that say something about taste, a struct of arrays.

    Attributes
    ----------
    shopper : int32[n]
        Row of the shopper table: the user's, else the visitor's, 0 for none.
    item_ref : int32[n]
        Row of the table of references.
    type_index : uint8[n]
        Position in ``EVENT_WEIGHTS``.
    seconds : int64[n]
        When it happened, seconds since 1970 UTC.
    quantity : float32[n]
        How many were bought or given back, 1 where nobody said.
    basket : int64[n]
        Of the order's id, else of the session's: its hash, 0 for none.
    has_order : bool[n]
        Whether the basket is an order.
    """

    shopper: NDArray[np.int32]
    item_ref: NDArray[np.int32]
    type_index: NDArray[np.uint8]
    seconds: NDArray[np.int64]
    quantity: NDArray[np.float32]
    basket: NDArray[np.int64]
    has_order: NDArray[np.bool_]

    def take(self, selection: NDArray[np.bool_]) -> PackedEvents:
        """Return the selected rows."""
        return PackedEvents(**{name: column[selection] for name, column in vars(self).items()})

    def is_type(self, name: str) -> NDArray[np.bool_]:
        """Say which rows are events of a type."""
        return np.asarray(self.type_index == _TYPE_NAMES.index(name))


def packed_events() -> PackedEvents:
    """Return the environment's events that speak of items, at one moment, oldest first.

    What fits into one statement is read by it, inside the caller's transaction. More is read by
    connections of their own, which share one snapshot: what was committed when it was taken.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SIZE)
        (size,) = cursor.fetchone()
        if size <= _PAGES:
            return _unpacked([_read(cursor, 0, _LAST_PAGE)])
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        # The snapshot's rows lie within what the table measures after it.
        cursor.execute(_SIZE)
        (size,) = cursor.fetchone()
    return _unpacked(_read_together(snapshot, size))


def _read_together(snapshot: str, size: int) -> list[_Block]:
    environment = connection.tenant
    # Both readers draw from it: the next one goes to who is free.
    firsts = iter(range(0, size, _PAGES))
    blocks: dict[int, _Block] = {}

    def read_some() -> None:
        try:
            with in_environment(environment), connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
                for first in firsts:
                    blocks[first] = _read(cursor, first, first + _PAGES)
        finally:
            connection.close()

    with ThreadPoolExecutor(_READERS, thread_name_prefix="events") as readers:
        for reading in [readers.submit(read_some) for _ in range(_READERS)]:
            reading.result()
    return [blocks[first] for first in sorted(blocks)]


def _read(cursor: Any, first: int, end: int) -> _Block:  # Django's untyped cursor
    # The bytes as they are and not as hexadecimal text.
    cursor.cursor.format = Format.BINARY
    cursor.execute(_STATEMENT, [f"({first},0)", f"({end},0)"])
    rows, quantities = cursor.fetchone()
    return rows or b"", quantities or b""


def _unpacked(blocks: list[_Block]) -> PackedEvents:
    size = sum(len(rows) for rows, _ in blocks) // _ROW.itemsize
    events = PackedEvents(
        shopper=np.empty(size, dtype=np.int32),
        item_ref=np.empty(size, dtype=np.int32),
        type_index=np.empty(size, dtype=np.uint8),
        seconds=np.empty(size, dtype=np.int64),
        quantity=np.ones(size, dtype=np.float32),
        basket=np.empty(size, dtype=np.int64),
        has_order=np.empty(size, dtype=np.bool_),
    )
    end = 0
    for rows, quantities in _let_go(blocks):
        start, end = end, end + len(rows) // _ROW.itemsize
        _unpack(events, slice(start, end), np.frombuffer(rows, dtype=_ROW), quantities)
    _put_in_order(events)
    return events


def _unpack(events: PackedEvents, at: slice, rows: NDArray[Any], quantities: bytes) -> None:
    events.shopper[at] = rows["shopper"]
    events.item_ref[at] = rows["item_ref"]
    events.seconds[at] = rows["occurred_at"] // 1_000_000 + _POSTGRES_EPOCH_SECONDS
    basket = rows["basket"].astype(np.int64)
    events.basket[at] = basket >> _HASH_SHIFT
    events.has_order[at] = basket & _ORDER_BIT != 0
    events.type_index[at] = basket & _TYPE_BITS
    sold = [_TYPE_NAMES.index(name) for name in ("purchase", "refund")]
    is_sold = np.isin(events.type_index[at], sold)
    events.quantity[at][is_sold] = np.frombuffer(quantities, dtype=">f4")


def _put_in_order(events: PackedEvents) -> None:
    """Sort by time, one column after the other where it is: all of them would be there twice."""
    if not (events.seconds[1:] < events.seconds[:-1]).any():
        return
    order = np.argsort(events.seconds, kind="stable")
    for column in vars(events).values():
        column[:] = column[order]


def _let_go(blocks: list[_Block]) -> Iterator[_Block]:
    """Yield the blocks in turn and keep none, so that few rows are in memory twice."""
    blocks.reverse()
    while blocks:
        yield blocks.pop()
