"""How recommendations are spread over popular and unpopular items, counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.dataset import Dataset
from engine.core.evaluator import Evaluation
from engine.core.popularity_deciles import (
    PopularityDecile,
    decile_of_items,
    popularity_deciles,
)
from engine.core.training_part import training_part


def marks(*, shown: list[int], wanted: list[int]) -> Evaluation:
    return Evaluation(
        by_metric={},
        shown=np.array(shown),
        wanted=np.array(wanted),
        found=np.zeros(len(shown), np.int64),
        coverage=0.0,
    )


def test_items_are_cut_into_tenths_by_how_many_shoppers_turned_to_them(
    plain_store: Callable[..., Dataset],
) -> None:
    # Item 0 has 1 shopper, item 1 has 2, ..., item 19 has 20; item 20 has none.
    lines = [(user, item, 1, 0, False) for item in range(20) for user in range(item + 1)]
    store = plain_store(users=20, items=21, lines=lines)
    deciles = decile_of_items(training_part(store, store.interactions))
    # 19 and 18 are the first tenth, 17 and 16 the second.
    assert deciles.tolist() == [10 - row // 2 for row in range(20)] + [0]


def test_a_tenth_has_its_share_of_places_of_wishes_and_of_items_shown() -> None:
    decile_of = np.array([1, 1, 2, 2, 0])
    found = popularity_deciles(marks(shown=[6, 2, 0, 2, 0], wanted=[3, 1, 1, 0, 0]), decile_of)
    assert found == [
        PopularityDecile(decile=1, recommended=8 / 10, wanted=4 / 5, covered=2 / 2),
        PopularityDecile(decile=2, recommended=2 / 10, wanted=1 / 5, covered=1 / 2),
    ]


def test_without_test_shoppers_nothing_was_shown_or_wanted() -> None:
    found = popularity_deciles(marks(shown=[0, 0], wanted=[0, 0]), np.array([1, 6]))
    assert found == [
        PopularityDecile(decile=1, recommended=0, wanted=0, covered=0),
        PopularityDecile(decile=6, recommended=0, wanted=0, covered=0),
    ]
