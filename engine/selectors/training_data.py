"""Reads what a training may look at: events as packed bytes, the catalogue, the shoppers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import orjson
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from engine.core.baskets import baskets_of
from engine.core.dataset import CatalogueItem, Dataset, Interactions, attribute_texts
from engine.selectors.learned_shoppers import learned_shoppers, users_of_events
from engine.selectors.packed_events import PackedEvents, packed_events
from engine.selectors.returned_lines import (
    give_refunds_their_buyer,
    kept_purchases,
    line_weights,
)

_CHANGE_SEQ = """
    SELECT greatest(
        (SELECT coalesce(max(change_seq), 0) FROM engine_item),
        (SELECT coalesce(max(change_seq), 0) FROM engine_tombstone)
    )
"""
_ITEMS = """
    SELECT id, item_id, title, categories, brand, price::float8,
        attributes - array(SELECT name::text FROM engine_attribute WHERE NOT learn), group_id,
        deleted_at IS NULL AND in_stock AND recommendable
            AND coalesce(available_from <= %s, true) AND coalesce(available_until > %s, true)
    FROM engine_item ORDER BY id
"""
# A text that names no item may name a group; then it stands for the group's first item.
_REFS = """
    SELECT ref.id, coalesce(ref.item_id, grouped.item_id)
    FROM engine_itemref AS ref
    LEFT JOIN (
        SELECT group_id, min(id) AS item_id FROM engine_item
        WHERE group_id IS NOT NULL AND deleted_at IS NULL GROUP BY group_id
    ) AS grouped ON ref.item_id IS NULL AND grouped.group_id = ref.ref
    WHERE coalesce(ref.item_id, grouped.item_id) IS NOT NULL
"""
_NOBODY = -1


@dataclass(frozen=True)
class TrainingData:
    """A dataset and what it was read from.

    Attributes
    ----------
    change_seq
        The catalogue's number up to which its changes are in; newer ones may be, too.
    unknown_item_lines
        Event lines left out, since nothing in the catalogue has their id.
    """

    dataset: Dataset
    change_seq: int
    unknown_item_lines: int


def training_data() -> TrainingData:
    """Return all that the environment's models may learn from, inside `in_environment`.

    Events are of one moment. What they point at is read after them, so that nothing they need is
    missing; a shopper who was removed in between has no profile. The catalogue's number is read
    before it, so that no change is taken for read that was not.

    Returns
    -------
    TrainingData
        Interactions of canonical shoppers with items of the catalogue, oldest first.
    """
    with connection.cursor() as cursor:
        # A large store's events take longer to read than any request may.
        cursor.execute("SET LOCAL statement_timeout = '10min'")
    change_seq = _scalar(_CHANGE_SEQ)
    events = packed_events()
    items, row_of_id = _items()
    item_rows = _item_rows(events.item_ref, row_of_id)
    is_known = item_rows >= 0
    unknown_item_lines = len(item_rows) - int(is_known.sum())
    if unknown_item_lines:
        events, item_rows = events.take(is_known), item_rows[is_known]
    return TrainingData(
        dataset=_dataset(events, item_rows, items),
        change_seq=change_seq,
        unknown_item_lines=unknown_item_lines,
    )


def _dataset(
    events: PackedEvents, item_rows: NDArray[np.int32], items: list[CatalogueItem]
) -> Dataset:
    users = users_of_events(events)
    give_refunds_their_buyer(events, users)
    shoppers = learned_shoppers(events, users)
    is_kept = kept_purchases(events, shoppers.user_index, item_rows)
    return Dataset(
        user_keys=shoppers.user_keys,
        items=items,
        interactions=Interactions(
            user_index=shoppers.user_index,
            item_index=item_rows,
            weight=line_weights(events, item_rows),
            seconds=events.seconds,
            is_purchase=is_kept,
        ),
        baskets=baskets_of(
            named=events.basket[is_kept],
            shopper=users[is_kept],
            seconds=events.seconds[is_kept],
            item_index=item_rows[is_kept],
        ),
    )


def _items() -> tuple[list[CatalogueItem], dict[int, int]]:
    now = timezone.now()
    items: list[CatalogueItem] = []
    row_of_id: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, [now, now])
        for (
            id_,
            item_id,
            title,
            categories,
            brand,
            price,
            attributes,
            group_id,
            is_available,
        ) in cursor:
            row_of_id[id_] = len(items)
            items.append(
                CatalogueItem(
                    item_id=item_id,
                    title=title,
                    categories=tuple(categories),
                    brand=brand,
                    price=price,
                    attributes=attribute_texts(orjson.loads(attributes)),
                    group_id=group_id,
                    is_available=is_available,
                )
            )
    return items, row_of_id


def _item_rows(refs: NDArray[np.int32], row_of_id: dict[int, int]) -> NDArray[np.int32]:
    """Return the catalogue row of each reference, -1 for what nobody has described."""
    with connection.cursor() as cursor:
        cursor.execute(_REFS)
        pairs = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 2)
    size = max(int(pairs[:, 0].max(initial=0)), int(refs.max(initial=0))) + 1
    rows = np.full(size, _NOBODY, dtype=np.int32)
    rows[pairs[:, 0]] = [row_of_id.get(item_id, _NOBODY) for item_id in pairs[:, 1].tolist()]
    return rows[refs]


def _scalar(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
