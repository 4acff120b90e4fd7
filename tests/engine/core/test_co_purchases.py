"""What is bought together, by lift that is believed only with support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

import numpy as np
import pytest

from engine.core.baskets import Baskets, baskets_of, no_baskets
from engine.core.co_purchases import MOST_PARTNERS, MOST_PRODUCTS, CoPurchases, co_purchases
from engine.core.dataset import CatalogueItem
from engine.core.parts import HistoryBatch
from engine.core.recency import DAY_SECONDS


def counted(
    baskets: Sequence[Sequence[int]], *, items: int, groups: Mapping[int, str] = {}
) -> CoPurchases:
    return co_purchases(
        Baskets(
            basket=np.repeat(np.arange(len(baskets)), [len(each) for each in baskets]),
            item_index=np.array([item for each in baskets for item in each], dtype=np.int32),
        ),
        [
            CatalogueItem(item_id=f"{row}", title="", group_id=groups.get(row))
            for row in range(items)
        ],
    )


def scores(part: CoPurchases, *rows: int) -> list[float]:
    batch = HistoryBatch(
        indptr=np.array([0, len(rows)]),
        rows=np.array(rows, dtype=np.int32),
        weights=np.ones(len(rows), dtype=np.float32),
    )
    return [float(score) for score in part.z_scores(batch)[0]]


def test_a_partner_weighs_its_share_of_baskets_times_the_log_of_its_shrunken_lift() -> None:
    part = counted([[0, 1], [0, 1], [0, 1], [0, 2], [2, 3], [2, 3]], items=4)
    # 6 baskets, item 0 in 4, item 1 in 3, both in 3; chance would have put them together in 2.
    assert scores(part, 0)[1] == pytest.approx(3 / 4 * log((3 + 5) / (4 * 3 / 6 + 5)))
    assert scores(part, 1)[0] == pytest.approx(3 / 3 * log((3 + 5) / (4 * 3 / 6 + 5)))


def test_a_pair_seen_once_is_chance() -> None:
    # Items 8 and 9 were only ever bought together: their lift of 10 is the highest there is.
    ten = [[8, 9], [0, 1], [0, 1], [0, 1], [0, 2], [1, 2], [3, 4], [3, 4], [4, 5], [3, 5]]
    part = counted(ten, items=10)
    assert scores(part, 8) == [0.0] * 10
    assert np.argmax(scores(part, 3)) == 4


def test_what_everybody_buys_anyway_is_no_partner() -> None:
    baskets = [[0, 1]] * 3 + [[0, 2]] * 9
    part = counted([*baskets, *[[0, 3]] * 12], items=4)
    # Item 0 is in every basket: with 1 as often as chance has it.
    assert scores(part, 1) == [0.0] * 4


def test_several_items_add_up() -> None:
    pairs = [[0, 2], [0, 2], [1, 2], [1, 2], [0, 3], [0, 3], [4, 5], [4, 5], [6, 7], [6, 8]]
    part = counted([*pairs, *pairs], items=9)
    both = scores(part, 0, 1)
    assert both[2] == pytest.approx(scores(part, 0)[2] + scores(part, 1)[2])
    assert both[2] > both[3] > 0


def test_variants_are_one_product() -> None:
    shirts = {0: "shirt", 1: "shirt"}
    part = counted([[0, 2], [1, 2], [3, 4], [3, 4], [0, 1], [0, 1]], items=5, groups=shirts)
    small, large = scores(part, 0), scores(part, 1)
    assert small == large
    assert small[2] > 0
    # Two sizes of a shirt are no basket of two products.
    assert small[:2] == [0.0, 0.0]
    assert scores(part, 2)[0] == scores(part, 2)[1] > 0


def test_each_given_items_share_is_told() -> None:
    part = counted(
        [[0, 2], [0, 2], [1, 2], [1, 2], [3, 4], [3, 4]], items=5, groups={2: "g", 4: "h"}
    )
    given, asked = np.array([0, 1], np.int32), np.array([4, 2, 2], np.int32)
    told = part.seed_contributions(given, np.ones(2, np.float32), asked)
    assert told.tolist() == [[0.0, scores(part, 0)[2], scores(part, 0)[2]]] * 2


def test_a_wholesalers_list_says_nothing_of_pairs() -> None:
    long = list(range(MOST_PRODUCTS + 1))
    part = counted([long, long, long[:-1], long[:-1], [300, 301]], items=302)
    assert scores(part, MOST_PRODUCTS) == [0.0] * 302
    assert len(part.indices) <= MOST_PARTNERS * 302


def test_a_store_that_has_sold_nothing_has_no_partners() -> None:
    part = co_purchases(no_baskets(), [CatalogueItem(item_id="a", title="")])
    assert scores(part, 0) == [0.0]


def test_a_basket_is_an_order_else_a_session_else_a_shoppers_day() -> None:
    order, session, nothing, ada, ben, nobody = -5, 9, 0, 1, 2, 0
    lines = [
        (order, ada, 0),
        (order, nobody, DAY_SECONDS),
        (session, ada, 0),
        (nothing, ada, 0),
        (nothing, ada, DAY_SECONDS - 1),
        (nothing, ada, DAY_SECONDS),
        (nothing, ben, 0),
        (nothing, nobody, 0),
    ]
    found = baskets_of(
        named=np.array([named for named, _, _ in lines]),
        shopper=np.array([shopper for _, shopper, _ in lines], dtype=np.int32),
        seconds=np.array([seconds for _, _, seconds in lines]),
        item_index=np.arange(len(lines), dtype=np.int32),
    )
    together: dict[int, list[int]] = {}
    for basket, item in zip(found.basket.tolist(), found.item_index.tolist(), strict=True):
        together.setdefault(basket, []).append(item)
    assert list(together.values()) == [[0, 1], [2], [3, 4], [5], [6]]
