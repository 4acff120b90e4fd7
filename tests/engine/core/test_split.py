from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.dataset import Interactions
from engine.core.split import temporal_split


def test_the_newest_fifth_is_later_whatever_the_order_of_lines(
    interactions_of: Callable[..., Interactions],
) -> None:
    lines = interactions_of([(0, 0, 1, day, False) for day in (5, 1, 9, 3, 7, 2, 8, 4, 10, 6)])
    split = temporal_split(lines, later_share=0.2)
    assert len(split.later) == 2
    assert split.earlier.seconds.max() < split.later.seconds.min()


def test_lines_of_one_moment_stay_together(interactions_of: Callable[..., Interactions]) -> None:
    lines = interactions_of([(0, 0, 1, day, False) for day in (1, 2, 3, 4, 4, 4, 4, 4, 4, 4)])
    split = temporal_split(lines, later_share=0.2)
    assert len(split.later) == 7
    assert len(split.earlier) == 3


def test_a_store_of_one_instant_has_no_later(interactions_of: Callable[..., Interactions]) -> None:
    split = temporal_split(interactions_of([(0, 0, 1, 4, False)] * 9), later_share=0.2)
    assert (len(split.earlier), len(split.later)) == (9, 0)


def test_nothing_splits_into_nothing(interactions_of: Callable[..., Interactions]) -> None:
    split = temporal_split(interactions_of([]), later_share=0.2)
    assert (len(split.earlier), len(split.later)) == (0, 0)


def test_no_line_is_lost(interactions_of: Callable[..., Interactions]) -> None:
    days = np.random.default_rng(1).random(101) * 50
    lines = interactions_of([(0, 0, 1, day, False) for day in days])
    split = temporal_split(lines, later_share=0.15)
    both = np.concatenate([split.earlier.seconds, split.later.seconds])
    assert sorted(both) == sorted(lines.seconds)
