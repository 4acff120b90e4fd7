from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.dataset import Interactions
from engine.core.recency import DAY_SECONDS
from engine.core.split import dated, hold_out, temporal_split


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


AT_ONCE = [(0, item, 1, 4, False) for item in (3, 1, 2)] + [(1, 5, 1, 4, False)]


def test_lines_written_at_one_instant_are_dated_by_their_steps(
    interactions_of: Callable[..., Interactions],
) -> None:
    lines, arrangement = dated(interactions_of(AT_ONCE))
    assert arrangement == "order"
    newest = lines.seconds.max()
    assert ((newest - lines.seconds) // DAY_SECONDS).tolist() == [2, 1, 0, 0]


def test_by_order_each_user_is_examined_on_the_last_step_but_for_an_only_one(
    interactions_of: Callable[..., Interactions],
) -> None:
    lines, arrangement = dated(interactions_of(AT_ONCE))
    split = hold_out(lines, arrangement=arrangement, later_share=0.2, seed=0)
    assert split.later.item_index.tolist() == [2]
    assert split.earlier.item_index.tolist() == [3, 1, 5]


def test_lines_sorted_by_item_say_nothing_of_their_order(
    interactions_of: Callable[..., Interactions],
) -> None:
    ordered = [(user, item, 1, 4, False) for user in range(5) for item in range(9)] * 2
    lines, arrangement = dated(interactions_of(ordered))
    assert arrangement == "none"
    split = hold_out(lines, arrangement=arrangement, later_share=0.2, seed=0)
    pairs = [set(zip(it.user_index, it.item_index, strict=True)) for it in vars(split).values()]
    # A pair stands on one side with all of its lines.
    assert not pairs[0] & pairs[1]
    assert 0 < len(pairs[1]) < len(pairs[0])


def test_lines_with_times_keep_them(interactions_of: Callable[..., Interactions]) -> None:
    given = interactions_of([(0, 0, 1, day, False) for day in (5, 1, 9)])
    lines, arrangement = dated(given)
    assert arrangement == "time"
    assert lines.seconds.tolist() == given.seconds.tolist()
