from __future__ import annotations

import numpy as np
import pytest

from engine.core.recency import DAY_SECONDS, decay, robust_newest_seconds


def days(*values: float) -> np.ndarray:
    return (np.array(values) * DAY_SECONDS).astype(np.int64)


def test_one_stray_event_years_later_does_not_move_the_newest_time() -> None:
    history = days(*range(100), 3000)
    assert robust_newest_seconds(history) == 99 * DAY_SECONDS


def test_three_live_events_after_an_import_of_twenty_are_the_newest() -> None:
    history = days(*range(20), 3000, 3001, 3002)
    assert robust_newest_seconds(history) == 3002 * DAY_SECONDS


def test_a_big_history_needs_a_hundred_events_to_move() -> None:
    history = days(*np.linspace(0, 100, 50_000), *np.linspace(2000, 2001, 99))
    assert robust_newest_seconds(history) == 100 * DAY_SECONDS
    assert robust_newest_seconds(np.append(history, days(2001.5))) == 2001.5 * DAY_SECONDS


def test_sparse_events_are_seen_in_wider_windows() -> None:
    assert robust_newest_seconds(days(0, 25, 50, 75, 2000)) == 75 * DAY_SECONDS


def test_a_single_event_is_the_newest() -> None:
    assert robust_newest_seconds(days(3)) == 3 * DAY_SECONDS


def test_weight_halves_with_each_half_life() -> None:
    assert decay(np.array([0.0, 10.0, 20.0]), 10.0) == pytest.approx([1, 1 / 2, 1 / 4])
    assert decay(np.array([0.0, 999.0]), None) == pytest.approx([1, 1])
