from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.core.dataset import Interactions
from engine.core.histories import history_weights, user_histories, user_rows
from engine.core.training_part import aggregate_pairs


def test_a_history_holds_the_last_hundred_items_oldest_first(
    interactions_of: Callable[..., Interactions],
) -> None:
    lines = interactions_of([(1, item, 1, 200 - item, False) for item in range(110)])
    histories = user_histories(aggregate_pairs(lines, n_items=110), n_users=2)
    assert histories.indptr.tolist() == [0, 0, 100]
    assert histories.rows.tolist() == list(range(99, -1, -1))


def test_an_item_counts_once_with_its_summed_weight_and_latest_time(
    interactions_of: Callable[..., Interactions],
) -> None:
    lines = interactions_of([(0, 3, 1, 1, False), (0, 3, 5, 9, True), (0, 2, 1, 5, False)])
    histories = user_histories(aggregate_pairs(lines, n_items=4), n_users=1)
    assert histories.rows.tolist() == [2, 3]
    assert histories.weights.tolist() == [1, 6]


def test_disliked_and_taken_back_items_are_no_history(
    interactions_of: Callable[..., Interactions],
) -> None:
    lines = interactions_of([(0, 1, 5, 1, False), (0, 1, -5, 2, False), (0, 2, 1, 3, False)])
    histories = user_histories(aggregate_pairs(lines, n_items=4), n_users=1)
    assert histories.rows.tolist() == [2]


def test_all_purchases_are_kept_beyond_a_hundred(
    interactions_of: Callable[..., Interactions],
) -> None:
    pairs = aggregate_pairs(
        interactions_of([(0, item, 5, item, True) for item in range(120)]), n_items=120
    )
    assert len(user_rows(pairs, n_users=1).of(0)) == 120


def test_weights_are_roots_of_logs_halved_by_age_since_the_users_newest() -> None:
    weights = history_weights(
        np.array([1, 5], np.float32), np.array([2060.0, 2000.0]), half_life_days=60.0
    )
    assert weights == pytest.approx([np.log(2) ** 0.5 / 2, np.log(6) ** 0.5])
