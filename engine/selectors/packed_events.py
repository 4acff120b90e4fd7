"""Reads a store's events as arrays: PostgreSQL packs the rows, numpy takes the bytes as they are.

A row costs Python nothing this way; the ORM's `values_list` takes four times as long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from engine.core.dataset import EVENT_WEIGHTS

_TYPE_NAMES = list(EVENT_WEIGHTS)
_ROW = np.dtype(
    [
        ("user", ">i4"),
        ("visitor", ">i4"),
        ("item_ref", ">i4"),
        ("type", ">i2"),
        ("seconds", ">i8"),
        ("quantity", ">f4"),
        ("order_hash", ">i8"),
        ("session_hash", ">i8"),
    ]
)
# 512 pages hold about 25,000 events: 1 MB packed, and nothing to sort or to hash.
_PAGES = 512
# One statement, so one moment, however many blocks it reads.
_STATEMENT = """
    SELECT block.packed
    FROM generate_series(
        0, pg_relation_size('engine_event') / current_setting('block_size')::bigint, %s
    ) AS first (page)
    CROSS JOIN LATERAL (
        SELECT string_agg(
            int4send(coalesce(user_id, 0)) || int4send(coalesce(anonymous_id, 0))
            || int4send(item_ref_id)
            || int2send((array_position(%b::text[], type::text) - 1)::smallint)
            || int8send(extract(epoch FROM occurred_at)::bigint)
            || float4send(coalesce(quantity, 0)::real)
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
"""


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
    blocks = []
    with connection.chunked_cursor() as cursor:
        # A few blocks at a time stay in memory beside the arrays.
        cursor.cursor.itersize = 8
        cursor.execute(_STATEMENT, [_PAGES, _TYPE_NAMES, _PAGES, learned])
        blocks = [np.frombuffer(packed, dtype=_ROW) for (packed,) in cursor]
    rows = np.concatenate(blocks) if blocks else np.empty(0, dtype=_ROW)
    return PackedEvents(
        user=rows["user"].astype(np.int32),
        visitor=rows["visitor"].astype(np.int32),
        item_ref=rows["item_ref"].astype(np.int32),
        type_index=rows["type"].astype(np.int16),
        seconds=rows["seconds"].astype(np.int64),
        quantity=rows["quantity"].astype(np.float32),
        order_hash=rows["order_hash"].astype(np.int64),
        session_hash=rows["session_hash"].astype(np.int64),
    )
