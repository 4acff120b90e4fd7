"""Says what refunds take back: their buyer's purchases, and no more than was bought."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.dataset import EVENT_WEIGHTS
from engine.selectors.packed_events import PackedEvents


def give_refunds_their_buyer(events: PackedEvents, users: NDArray[np.int32]) -> None:
    """Let a refund that names its order alone take back from who bought."""
    returned, sold = _lines_of_refunded_orders(events)
    if not len(sold):
        return
    orders, first = np.unique(events.basket[sold], return_index=True)
    place = np.minimum(np.searchsorted(orders, events.basket[returned]), len(orders) - 1)
    is_found = orders[place] == events.basket[returned]
    users[returned[is_found]] = users[sold[first[place[is_found]]]]


def line_weights(events: PackedEvents, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return what each line says; the refund of one of two says half of what one of both does."""
    weight = np.array(list(EVENT_WEIGHTS.values()), dtype=np.float32)[events.type_index]
    returned, sold = _lines_of_refunded_orders(events)
    if not len(sold):
        return weight
    lines = np.concatenate([sold, returned])
    names = np.rec.fromarrays([events.basket[lines], item_rows[lines]])
    _, line_of = np.unique(names, return_inverse=True)
    quantity = np.concatenate([events.quantity[sold], np.zeros(len(returned))])
    bought = np.bincount(line_of, weights=quantity)[line_of[len(sold) :]]
    # What was never seen bought is taken back whole.
    is_known = bought > 0
    known = returned[is_known]
    weight[known] *= np.minimum(events.quantity[known] / bought[is_known], 1.0)
    return weight


def kept_purchases(
    events: PackedEvents, user_index: NDArray[np.int32], item_rows: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Say which purchases were kept: a user's purchases of an item, unless all went back."""
    is_kept = events.is_type("purchase")
    returned, bought = np.flatnonzero(events.is_type("refund")), np.flatnonzero(is_kept)
    if not len(returned):
        return is_kept
    n_items = int(item_rows.max()) + 1
    pairs, given_back = np.unique(
        user_index[returned].astype(np.int64) * n_items + item_rows[returned], return_inverse=True
    )
    own = user_index[bought].astype(np.int64) * n_items + item_rows[bought]
    place = np.minimum(np.searchsorted(pairs, own), len(pairs) - 1)
    is_touched = pairs[place] == own
    touched, pair = bought[is_touched], place[is_touched]
    size = len(pairs)
    balance = np.bincount(pair, weights=events.quantity[touched], minlength=size) - np.bincount(
        given_back, weights=events.quantity[returned], minlength=size
    )
    is_kept[touched] = balance[pair] > 0
    return is_kept


def _lines_of_refunded_orders(
    events: PackedEvents,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the refunds that name an order, and the purchases of these orders."""
    returned = np.flatnonzero(events.has_order & events.is_type("refund"))
    sold = np.flatnonzero(events.has_order & events.is_type("purchase"))
    orders = np.unique(events.basket[returned])
    return returned, sold[np.isin(events.basket[sold], orders)]
