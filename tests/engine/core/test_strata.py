"""The parts of an examination: whom and what a model does well by."""

from __future__ import annotations

from collections.abc import Callable
from math import log2

import numpy as np
import pytest

from engine.core.blend import Blend
from engine.core.contest import hold_contest
from engine.core.dataset import CatalogueItem, Dataset, Interactions
from engine.core.evaluator import Evaluation, evaluate
from engine.core.examination import Examination, examination
from engine.core.fitting import Workbench
from engine.core.parts import StaticPart
from engine.core.recommenders.protocol import FitContext
from engine.core.selection import popularity_recipe, prior_recipe
from engine.core.strata import category_strata, history_strata
from engine.core.training_part import training_part

Interval = tuple[float, float, float]


@pytest.fixture
def marked(
    plain_store: Callable[..., Dataset], interactions_of: Callable[..., Interactions]
) -> tuple[Evaluation, Examination]:
    """Shopper 0 has met one item and finds the first; shopper 1 has met two, finds the last."""
    past = [(0, 0, 1, 0, False), (1, 0, 1, 0, False), (1, 1, 1, 1, False)]
    past += [(2, item, 1, 0, False) for item in range(4)]
    store = plain_store(users=3, items=4, lines=past)
    later = interactions_of([(0, 1, 1, 9, False), (1, 3, 1, 9, False)])
    exam = examination(training_part(store, store.interactions), later, most_users=None, seed=0)
    part = StaticPart(name="popular", scores=np.array([9, 8, 7, 6], np.float32))
    blend = Blend(parts=(part,), weights={"popular": 1.0})
    return evaluate(blend, exam, half_life_days=None), exam


def test_shoppers_are_told_apart_by_how_much_is_known_of_them(
    marked: tuple[Evaluation, Examination],
) -> None:
    found = history_strata(*marked, seed=0)
    assert found.keys() == {"history 1", "history 2-4"}
    # Shopper 0 is shown 1, 2, 3, and shopper 1 is shown 2, 3.
    assert found["history 1"]["ndcg@10"].value == 1
    assert found["history 2-4"]["ndcg@10"].value == pytest.approx(1 / log2(3))


def test_a_category_has_what_was_found_of_all_that_was_wanted_in_it() -> None:
    items = [
        CatalogueItem("a", "A", categories=("Home > Kitchen", "Home > Gifts")),
        CatalogueItem("b", "B", categories=("Home", "Toys")),
        CatalogueItem("c", "C"),
    ]
    marks = Evaluation(
        by_metric={},
        shown=np.zeros(3, np.int64),
        wanted=np.array([6, 2, 5]),
        found=np.array([1, 2, 5]),
        coverage=0.0,
    )
    found = category_strata(marks, items, seed=0)
    values = {name: metrics["recall@20"].value for name, metrics in found.items()}
    assert values == {"category: Home": 3 / 8, "category: Toys": 2 / 2}


def test_popularity_itself_shows_the_head_of_the_catalogue_alone(birch_store: Dataset) -> None:
    split = birch_store.interactions.seconds < np.quantile(birch_store.interactions.seconds, 0.8)
    part = training_part(birch_store, birch_store.interactions.take(split))
    exam = examination(part, birch_store.interactions.take(~split), most_users=None, seed=0)
    recipe = popularity_recipe(prior_recipe(part, seed=0))
    bench = Workbench(part, FitContext(seed=0, threads=1), lambda _done, _of: None)
    contest = hold_contest(bench, exam, challenger=recipe, champion=None)
    is_head = contest.decile_of == 1
    assert is_head.sum() == np.ceil(part.is_active.sum() / 10)
    users = np.bincount(part.pairs.item_index, minlength=part.n_items)
    assert users[is_head].min() >= users[~is_head].max()
    shown = contest.popular.shown
    expected = shown[is_head].sum() / shown.sum()
    assert contest.metrics(contest.popular)["popular_share@10"].value == expected
    personal = contest.metrics(contest.item_knn)["popular_share@10"].value
    assert personal < expected
