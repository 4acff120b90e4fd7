"""What rises against its own past, and what is only popular."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
import pytest

from engine.core.trends import LEAST_VISITS, WINDOWS, rises


def rise(
    now: Sequence[int], past: Sequence[int], *, wider: Sequence[int] | None = None
) -> dict[str, list[float]]:
    """Return the rises where 24 hours have `now` and the other windows `wider`, by default 0."""
    others = np.array(wider if wider is not None else [0] * len(now))
    counts = dict.fromkeys(WINDOWS, (others, np.array(past)))
    counts["24h"] = (np.array(now), np.array(past))
    return {window: [float(each) for each in of] for window, of in rises(counts).items()}


def test_a_rise_is_the_log_of_the_shrunken_ratio_to_the_own_past() -> None:
    found = rise([100, 40, 60], [2800, 280, 2520])["24h"]
    # The store has 200 visits now and had 5,600: the second of three is expected to have 10.
    assert found == [0.0, pytest.approx(log((40 + 5) / (280 * 200 / 5600 + 5))), 0.0]


def test_the_popular_do_not_rise_and_a_newcomer_does() -> None:
    found = rise([1000, 30], [28_000, 0])["24h"]
    assert found[0] == 0.0
    assert found[1] > 1.5


def test_a_sale_that_doubles_everything_makes_nothing_rise() -> None:
    assert rise([200, 400], [2800, 5600])["24h"] == [0.0, 0.0]


def test_two_visits_are_a_chance_and_so_is_what_chance_would_bring() -> None:
    # 60 expected, 70 seen: a Poisson count strays by 8.
    found = rise([2, 70, 928], [0, 1680, 26_320])["24h"]
    assert found == [0.0, 0.0, 0.0]


def test_much_seen_little_expected_beats_a_little_seen_from_nothing() -> None:
    once, often, rest = rise([3, 60, 937], [0, 280, 27_720])["24h"]
    assert often > once > 0
    assert rest == 0.0


def test_a_window_with_few_visits_gives_way_to_the_next_wider_one() -> None:
    few = [LEAST_VISITS - 1, 0]
    found = rise(few, [5000, 5000], wider=[100, 400])
    assert found["24h"] == found["7d"] == found["30d"]
    assert found["24h"][0] == 0.0 < found["24h"][1]
    enough = rise([LEAST_VISITS, 0], [5000, 5000], wider=[100, 400])
    assert enough["24h"][0] > 0.0 == enough["24h"][1]


def test_without_a_past_nothing_rises() -> None:
    assert rise([500, 1], [0, 0]) == {window: [0.0, 0.0] for window in WINDOWS}
    assert rise([], []) == {window: [] for window in WINDOWS}
