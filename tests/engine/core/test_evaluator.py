from __future__ import annotations

from collections.abc import Callable
from math import log2

import numpy as np
import pytest

from engine.core.blend import Blend
from engine.core.dataset import Dataset, Interactions
from engine.core.evaluator import evaluate
from engine.core.examination import examination
from engine.core.parts import StaticPart
from engine.core.training_part import training_part

PAST = [(0, 0, 1, 0, False), (1, 1, 1, 0, False), (1, 2, 1, 0, False), (1, 3, 1, 0, False)]


def fixed_order(*scores: float) -> Blend:
    part = StaticPart(name="popular", scores=np.array(scores, np.float32))
    return Blend(parts=(part,), weights={"popular": 1.0})


def test_lists_are_marked_by_hand(
    plain_store: Callable[..., Dataset], interactions_of: Callable[..., Interactions]
) -> None:
    store = plain_store(users=2, items=5, lines=PAST)
    later = interactions_of([(0, 3, 1, 9, False)])
    exam = examination(training_part(store, store.interactions), later, most_users=None, seed=0)
    marks = evaluate(fixed_order(9, 8, 7, 6, 5), exam, half_life_days=None)
    # Item 0 was met, item 4 has no past: the list is 1, 2, 3, a hit at rank 3.
    assert marks.ndcg == pytest.approx([1 / log2(4)])
    assert marks.recall == pytest.approx([1])
    assert marks.by_metric["mrr"] == pytest.approx([1 / 3])
    assert (marks.shown.tolist(), marks.wanted.tolist()) == ([0, 1, 1, 1, 0], [0, 0, 0, 1, 0])
    assert marks.found.tolist() == [0, 0, 0, 1, 0]
    assert marks.coverage == 3 / 4


def test_known_items_unknown_items_and_dislikes_examine_nobody(
    plain_store: Callable[..., Dataset], interactions_of: Callable[..., Interactions]
) -> None:
    store = plain_store(users=3, items=5, lines=PAST)
    later = interactions_of(
        [
            (0, 0, 1, 9, False),  # met before
            (0, 4, 1, 9, False),  # no training event
            (1, 0, -5, 9, False),  # a dislike
            (2, 0, 1, 9, False),  # a user without a past
        ]
    )
    exam = examination(training_part(store, store.interactions), later, most_users=None, seed=0)
    assert len(exam.users) == 0
    marks = evaluate(fixed_order(1, 2, 3, 4, 5), exam, half_life_days=None)
    assert len(marks.ndcg) == 0
    assert marks.metrics(seed=0)["ndcg@10"].value == 0


def test_ties_are_marked_in_the_order_of_rows(
    plain_store: Callable[..., Dataset], interactions_of: Callable[..., Interactions]
) -> None:
    store = plain_store(users=2, items=4, lines=PAST)
    later = interactions_of([(0, 2, 1, 9, False)])
    exam = examination(training_part(store, store.interactions), later, most_users=None, seed=0)
    marks = evaluate(fixed_order(0, 0, 0, 0), exam, half_life_days=None)
    assert marks.by_metric["mrr"] == pytest.approx([1 / 2])
    assert marks.ndcg == pytest.approx([1 / log2(3)])


def test_long_lists_and_short_ones_are_marked_by_hand(
    plain_store: Callable[..., Dataset], interactions_of: Callable[..., Interactions]
) -> None:
    # Shopper 0 has met item 0, shopper 1 has met all but items 0 and 59.
    past = [(0, 0, 1, 0, False), *((1, item, 1, 0, False) for item in range(1, 59))]
    past.append((2, 59, 1, 0, False))
    store = plain_store(users=3, items=60, lines=past)
    wanted = [(0, item, 1, 9, False) for item in (1, 6, 30)] + [(1, 59, 1, 9, False)]
    part = training_part(store, store.interactions)
    exam = examination(part, interactions_of(wanted), most_users=None, seed=0)
    marks = evaluate(fixed_order(*range(60, 0, -1)), exam, half_life_days=None)
    # Shopper 0 is shown 1, 2, 3 and so on: hits at ranks 1, 6 and 30. Shopper 1: 0, then 59.
    first, sixth, thirtieth, second = (1 / log2(rank + 1) for rank in (1, 6, 30, 2))
    three = 1 / log2(2) + 1 / log2(3) + 1 / log2(4)
    by_hand = {
        "ndcg@1": [1, 0],
        "ndcg@5": [first / three, second],
        "ndcg@10": [(first + sixth) / three, second],
        "ndcg@20": [(first + sixth) / three, second],
        "ndcg@50": [(first + sixth + thirtieth) / three, second],
        "recall@1": [1 / 3, 0],
        "recall@5": [1 / 3, 1],
        "recall@10": [2 / 3, 1],
        "recall@20": [2 / 3, 1],
        "recall@50": [1, 1],
        "hit_rate@10": [1, 1],
        "mrr": [1, 1 / 2],
    }
    assert marks.by_metric.keys() == by_hand.keys()
    for name, values in by_hand.items():
        assert marks.by_metric[name] == pytest.approx(values), name
    # Rank 30 is beyond the first twenty.
    assert np.flatnonzero(marks.found).tolist() == [1, 6, 59]
    means = {name: metric.value for name, metric in marks.metrics(seed=0).items()}
    assert means["recall@50"] == 1
    assert means["ndcg@5"] == pytest.approx((first / three + second) / 2)
