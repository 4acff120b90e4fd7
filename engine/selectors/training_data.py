"""Reads what a training may look at: events as packed bytes, the catalogue, the shoppers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from engine.core.dataset import EVENT_WEIGHTS, CatalogueItem, Dataset, Interactions
from engine.selectors.learned_shoppers import learned_shoppers
from engine.selectors.packed_events import PackedEvents, packed_events

_CHANGE_SEQ = "SELECT coalesce(max(change_seq), 0) FROM engine_item"
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

    Events are one statement and so one moment. Everything that they point at is read after them
    and is never removed, so that nothing they need is missing; the catalogue's number is read
    before it, so that no change is taken for read that was not.

    Returns
    -------
    TrainingData
        Interactions of canonical shoppers with items of the catalogue, oldest first.
    """
    change_seq = _scalar(_CHANGE_SEQ)
    events = packed_events()
    items, row_of_id = _items()
    item_rows = _item_rows(events.item_ref, row_of_id)
    known = events.take(item_rows >= 0)
    dataset = _dataset(known, item_rows[item_rows >= 0], items)
    return TrainingData(
        dataset=dataset,
        change_seq=change_seq,
        unknown_item_lines=len(events.item_ref) - len(known.item_ref),
    )


def _dataset(
    events: PackedEvents, item_rows: NDArray[np.int32], items: list[CatalogueItem]
) -> Dataset:
    shoppers = learned_shoppers(events)
    _give_refunds_their_buyer(events, shoppers.keys)
    distinct, user_index = np.unique(shoppers.keys, return_inverse=True)
    order = np.argsort(events.seconds, kind="stable")
    interactions = Interactions(
        user_index=user_index.astype(np.int32),
        item_index=item_rows,
        weight=_weights(events, item_rows),
        seconds=events.seconds,
        is_purchase=_kept_purchases(events, user_index, item_rows),
    ).take(order)
    return Dataset(
        user_keys=[shoppers.name(int(key)) for key in distinct],
        items=items,
        interactions=interactions,
    )


def _weights(events: PackedEvents, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return what each line says; the refund of one of two says half of what one of both does."""
    weight = np.array(list(EVENT_WEIGHTS.values()), dtype=np.float32)[events.type_index]
    returned = np.flatnonzero(events.is_type("refund"))
    if not len(returned):
        return weight
    is_ordered = (events.order_hash != 0) & (events.is_type("purchase") | events.is_type("refund"))
    lines = np.flatnonzero(is_ordered)
    names = np.rec.fromarrays([events.order_hash[lines], item_rows[lines]])
    _, line_of = np.unique(names, return_inverse=True)
    bought = np.bincount(
        line_of, weights=_quantity(events)[lines] * events.is_type("purchase")[lines]
    )
    bought_of_line = np.zeros(len(weight))
    bought_of_line[lines] = bought[line_of]
    # What was never seen bought is taken back whole.
    known = returned[bought_of_line[returned] > 0]
    weight[known] *= np.minimum(_quantity(events)[known] / bought_of_line[known], 1.0)
    return weight


def _quantity(events: PackedEvents) -> NDArray[np.float64]:
    return np.where(events.quantity > 0, events.quantity, 1.0)


def _give_refunds_their_buyer(events: PackedEvents, keys: NDArray[np.int64]) -> None:
    """Let a refund that names its order alone take back from who bought."""
    has_order = events.order_hash != 0
    is_sold = has_order & events.is_type("purchase")
    orders, first = np.unique(events.order_hash[is_sold], return_index=True)
    buyers = keys[is_sold][first]
    returned = np.flatnonzero(has_order & events.is_type("refund"))
    if not len(orders) or not len(returned):
        return
    place = np.minimum(np.searchsorted(orders, events.order_hash[returned]), len(orders) - 1)
    found = orders[place] == events.order_hash[returned]
    keys[returned[found]] = buyers[place[found]]


def _kept_purchases(
    events: PackedEvents, user_index: NDArray[np.int64], item_rows: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Say which purchases were kept: a user's purchases of an item, unless all went back."""
    bought, returned = events.is_type("purchase"), events.is_type("refund")
    if not returned.any():
        return bought
    pairs = user_index * (int(item_rows.max()) + 1) + item_rows
    _, pair = np.unique(pairs, return_inverse=True)
    size = int(pair.max()) + 1
    quantity = _quantity(events)
    balance = np.bincount(pair, weights=quantity * bought, minlength=size) - np.bincount(
        pair, weights=quantity * returned, minlength=size
    )
    return np.asarray(bought & (balance[pair] > 0))


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
                    attributes=_texts(orjson.loads(attributes)),
                    group_id=group_id,
                    is_available=is_available,
                )
            )
    return items, row_of_id


def _texts(attributes: dict[str, Any]) -> dict[str, str]:
    """Return attributes as the features of `engine.core` take them: one text each."""
    return {
        name: "|".join(str(each) for each in value) if isinstance(value, list) else str(value)
        for name, value in attributes.items()
    }


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
