from __future__ import annotations

from math import log2

import numpy as np
import pytest

from engine.core.metrics import Metric, bootstrap, bootstraps, ndcg, recall, share


def hits(*ranks: int, length: int = 10) -> np.ndarray:
    marks = np.zeros(length, dtype=np.bool_)
    marks[[rank - 1 for rank in ranks]] = True
    return marks


def test_ndcg_of_the_ideal_list_is_one() -> None:
    assert ndcg(hits(1, 2, 3), relevant=3) == pytest.approx(1)


def test_ndcg_discounts_by_the_logarithm_of_the_rank() -> None:
    dcg = 1 / log2(2) + 1 / log2(5)
    ideal = 1 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert ndcg(hits(1, 4), relevant=3) == pytest.approx(dcg / ideal)


def test_ndcg_divides_by_what_ten_places_can_hold() -> None:
    assert ndcg(hits(*range(1, 11)), relevant=25) == pytest.approx(1)


def test_ndcg_of_no_hit_is_zero() -> None:
    assert ndcg(hits(), relevant=4) == 0


def test_recall_divides_by_all_relevant_items() -> None:
    assert recall(hits(1, 20, length=20), relevant=25) == 2 / 25


def test_a_share_has_the_interval_of_its_ones_and_zeros() -> None:
    counted = share(30, of=120, seed=1)
    resampled = bootstrap(np.repeat([1.0, 0.0], [30, 90]), seed=1)
    assert counted.value == resampled.value == 30 / 120
    assert (counted.low, counted.high) == pytest.approx((resampled.low, resampled.high), abs=0.02)


def test_the_interval_holds_the_mean_and_agrees_with_the_normal_approximation() -> None:
    values = np.tile([0.0, 1.0], 500)
    metric = bootstrap(values, seed=1)
    assert metric.value == 0.5
    # 1.96 standard errors: 1.96 * 0.5 / sqrt(1000) = 0.031
    assert metric.low == pytest.approx(0.5 - 0.031, abs=0.004)
    assert metric.high == pytest.approx(0.5 + 0.031, abs=0.004)


def test_a_paired_interval_sees_a_small_difference_that_two_single_ones_hide() -> None:
    rng = np.random.default_rng(3)
    ours = rng.random(300)
    theirs = ours - 0.01 - 0.01 * rng.random(300)
    assert bootstrap(ours - theirs, seed=0).low > 0
    assert bootstrap(ours, seed=0).low < bootstrap(theirs, seed=0).high


def test_no_users_make_zeros() -> None:
    assert bootstrap(np.zeros(0), seed=0) == Metric(0.0, 0.0, 0.0)


def test_measures_of_the_same_users_are_resampled_together() -> None:
    rng = np.random.default_rng(3)
    values = {"ours": rng.random(50), "theirs": rng.random(50)}
    assert bootstraps(values, seed=2) == {
        name: bootstrap(each, seed=2) for name, each in values.items()
    }
