"""What is bought together, by lift that is believed only with support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log

import numpy as np
import pytest

from engine.core.baskets import Baskets, baskets_of, no_baskets
from engine.core.co_purchases import MOST_PARTNERS, MOST_PRODUCTS, CoPurchases, co_purchases
from engine.core.dataset import CatalogueItem
from engine.core.parts import HistoryBatch
from engine.core.ranking import score_bought_together, score_trending
from engine.core.recency import DAY_SECONDS
from engine.core.scored import Ranked, Reason, Scored
from engine.core.tables import ModelTables
from engine.core.trained_model import TrainedModel
from tests.engine.scoring import listed


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
    # Items 0 and 1 are in 12 and 8 of 18 baskets, and in 2 together: chance would have it 5 times.
    part = counted([[0, 2]] * 10 + [[0, 1]] * 2 + [[1, 3]] * 6, items=4)
    assert scores(part, 0)[1] == scores(part, 1)[0] == 0.0


def test_baskets_of_one_product_say_nothing() -> None:
    pairs = [[0, 1], [0, 1], [0, 2], [3, 4], [3, 4]]
    alone = [[0], [0, 0], [1], [4]]
    part = counted([*pairs, *alone], items=5)
    assert [scores(part, row) for row in range(5)] == [
        scores(counted(pairs, items=5), row) for row in range(5)
    ]


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


def _shirts(tables: ModelTables, *, best_selling: int) -> ModelTables:
    """Items 1 and 2 are sizes of a shirt that is bought with item 0, and item 3 with item 4."""
    n_items = len(tables.item_ids)
    popularity = np.ones(n_items, dtype=np.float32)
    popularity[best_selling] = 2
    part = counted([[0, 1], [0, 1], [3, 4], [3, 4]], items=n_items, groups={1: "g", 2: "g"})
    return replace(tables, popularity=popularity, bought_together=part)


def best(scored: Scored) -> Ranked:
    return listed(scored, allowed=np.ones(len(scored.values), dtype=np.bool_), limit=5)


@pytest.mark.parametrize(("best_selling", "order"), [(1, [1, 2]), (2, [2, 1])])
def test_of_a_products_variants_the_best_selling_comes_first(
    acorn_model: TrainedModel, best_selling: int, order: list[int]
) -> None:
    tables = _shirts(acorn_model.tables, best_selling=best_selling)
    assert best(score_bought_together(tables, item_rows=[0])).rows.tolist() == order
    rise = np.zeros(len(tables.item_ids), dtype=np.float32)
    rise[[1, 2, 4]] = [0.5, 0.5, 0.4]
    trending = best(score_trending(tables, rise=rise))
    assert trending.rows.tolist() == [*order, 4]
    assert {reason.code for reason in trending.reasons} == {"trending"}


def test_given_items_are_no_partners_of_each_other_and_their_variants_speak_once(
    acorn_model: TrainedModel,
) -> None:
    tables = _shirts(acorn_model.tables, best_selling=1)
    assert not best(score_bought_together(tables, item_rows=[0, 1])).rows.size
    once = best(score_bought_together(tables, item_rows=[1]))
    twice = best(score_bought_together(tables, item_rows=[1, 2]))
    assert once.rows.tolist() == twice.rows.tolist() == [0]
    assert once.scores.tolist() == twice.scores.tolist()
    assert twice.reasons == (Reason("bought_together", seed_row=1),)
