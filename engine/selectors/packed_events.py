"""Reads a store's events as arrays: PostgreSQL packs the rows, numpy takes the bytes as they are.

A row costs Python nothing this way; the ORM's `values_list` takes four times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from psycopg.pq import Format

from engine.core.dataset import EVENT_WEIGHTS

_TYPE_NAMES = list(EVENT_WEIGHTS)
# timestamptz_send() counts microseconds from here.
_POSTGRES_EPOCH_SECONDS = 946_684_800
_ROW = np.dtype(
    [
        ("user", ">i4"),
        ("visitor", ">i4"),
        ("item_ref", ">i4"),
        ("type", ">i2"),
        ("occurred_at", ">i8"),
        ("quantity", ">f4"),
        ("order_hash", ">i8"),
        ("session_hash", ">i8"),
    ]
)
_NATIVE = {name: dtype.newbyteorder("=") for name, (dtype, *_) in (_ROW.fields or {}).items()}
# 512 pages hold about 25,000 events: 1 MB packed, and nothing to sort or to hash.
_PAGES = 512
# Columns grow where they are: joined from blocks, each would be in memory twice.
_SPARE_ROWS = 1 << 20
_TYPE_INDEX = " ".join(f"WHEN '{name}' THEN {at}" for at, name in enumerate(_TYPE_NAMES))
# One statement, so one moment, however many blocks it reads. What it says of a row it says in the
# cheapest words: extract() makes a numeric of each time, array_position() reads an array each time.
_STATEMENT = """
    SELECT block.packed
    FROM generate_series(
        0, pg_relation_size('engine_event') / current_setting('block_size')::bigint, %s
    ) AS first (page)
    CROSS JOIN LATERAL (
        SELECT string_agg(
            int4send(coalesce(user_id, 0)) || int4send(coalesce(anonymous_id, 0))
            || int4send(item_ref_id)
            || int2send((CASE type {type_index} END)::smallint)
            || timestamptz_send(occurred_at)
            || float4send(coalesce(quantity::real, 0))
            || int8send(coalesce(hashtextextended(order_id, 0), 0))
            || int8send(coalesce(hashtextextended(session_id, 0), 0)),
            ''::bytea
        ) AS packed
        FROM engine_event
        WHERE ctid >= format('(%%s,0)', first.page)::tid
            AND ctid < format('(%%s,0)', first.page + %s)::tid
            AND item_ref_id IS NOT NULL AND type = ANY(%b::text[])
    ) AS block
    WHERE block.packed IS NOT NULL
""".replace("{type_index}", _TYPE_INDEX)


@dataclass(frozen=True)
class PackedEvents:
    """Event lines about an item that say something about taste, a struct of arrays.

    Attributes
    ----------
    user, visitor : int32[n]
        Rows of the shopper table, 0 for none.
    item_ref : int32[n]
        Row of the table of references.
    type_index : int16[n]
        Position in ``EVENT_WEIGHTS``.
    seconds : int64[n]
        When it happened, seconds since 1970 UTC.
    quantity : float32[n]
        How many, 0 where nobody said.
    order_hash, session_hash : int64[n]
        Of the ids, 0 for none.
    """

    user: NDArray[np.int32]
    visitor: NDArray[np.int32]
    item_ref: NDArray[np.int32]
    type_index: NDArray[np.int16]
    seconds: NDArray[np.int64]
    quantity: NDArray[np.float32]
    order_hash: NDArray[np.int64]
    session_hash: NDArray[np.int64]

    def take(self, selection: NDArray[np.bool_]) -> PackedEvents:
        """Return the selected rows."""
        return PackedEvents(**{name: column[selection] for name, column in vars(self).items()})

    def is_type(self, name: str) -> NDArray[np.bool_]:
        """Say which rows are events of a type."""
        return np.asarray(self.type_index == _TYPE_NAMES.index(name))


def packed_events() -> PackedEvents:
    """Return the environment's events that speak of items, at one moment."""
    learned = [name for name, weight in EVENT_WEIGHTS.items() if weight]
    columns: dict[str, NDArray[Any]] = {name: np.empty(0, dtype) for name, dtype in _NATIVE.items()}
    size = 0
    with connection.chunked_cursor() as cursor:
        # A few blocks at a time, as they are and not as hexadecimal text.
        cursor.cursor.itersize = 8
        cursor.cursor.format = Format.BINARY
        cursor.execute(_STATEMENT, [_PAGES, _PAGES, learned])
        for (packed,) in cursor:
            block = np.frombuffer(packed, dtype=_ROW)
            end = size + len(block)
            for name, column in columns.items():
                if end > len(column):
                    column.resize(end + _SPARE_ROWS, refcheck=False)
                column[size:end] = block[name]
            size = end
    for column in columns.values():
        column.resize(size, refcheck=False)
    seconds = columns.pop("occurred_at")
    seconds //= 1_000_000
    seconds += _POSTGRES_EPOCH_SECONDS
    return PackedEvents(type_index=columns.pop("type"), seconds=seconds, **columns)
