"""The contract that every recommender keeps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.core.dataset import Dataset
from engine.core.parts import HistoryBatch
from engine.core.recipe import (
    PARTS,
    CategoryPopularitySettings,
    ContentSettings,
    CoVisitsSettings,
    EaseSettings,
    FactorsSettings,
    GfcfSettings,
    ItemKnnSettings,
    LightFMSettings,
    PopularitySettings,
    Rp3Settings,
)
from engine.core.recommenders.category_popularity import CategoryPopularity
from engine.core.recommenders.co_visits import CoVisits
from engine.core.recommenders.content import Content
from engine.core.recommenders.ease import Ease
from engine.core.recommenders.factors import Factors
from engine.core.recommenders.gfcf import Gfcf
from engine.core.recommenders.item_knn import ItemKnn
from engine.core.recommenders.lightfm_hybrid import LightFMHybrid
from engine.core.recommenders.own_history import OwnHistory
from engine.core.recommenders.popularity import Popularity
from engine.core.recommenders.protocol import FitContext, Recommender
from engine.core.recommenders.rp3 import Rp3
from engine.core.training_part import training_part

CONTEXT = FitContext(seed=3, threads=1)
LIGHTFM = LightFMSettings(
    dimensions=8,
    learning_rate=0.05,
    item_alpha=0.0,
    feature_weight=1.0,
    epochs=4,
    newest_share=0.2,
    newest_epochs=2,
    half_life_days=60.0,
)
RECOMMENDERS: dict[str, Recommender] = {
    "popular": Popularity(PopularitySettings(window_days=7)),
    "item_knn": ItemKnn(ItemKnnSettings(neighbours=10, shrinkage=5.0, half_life_days=30.0)),
    "ease": Ease(EaseSettings(neighbours=20, regularisation=10.0, half_life_days=None)),
    "content": Content(ContentSettings(neighbours=10)),
    "taste": LightFMHybrid(LIGHTFM),
    "rp3": Rp3(Rp3Settings(neighbours=20, beta=0.3, half_life_days=60.0)),
    "gfcf": Gfcf(GfcfSettings(neighbours=20, dimensions=16)),
    "co_visits": CoVisits(CoVisitsSettings(neighbours=20, window=3, half_life_days=None)),
    "factors": Factors(FactorsSettings(dimensions=16, ridge=1.0)),
    "category_popular": CategoryPopularity(CategoryPopularitySettings(20, window_days=None)),
    "own": OwnHistory(),
}
BATCH = HistoryBatch(
    indptr=np.array([0, 2, 2]),
    rows=np.array([1, 4], np.int32),
    weights=np.array([1.0, 0.5], np.float32),
)
PERSONAL = sorted(set(RECOMMENDERS) - {"popular"})


def test_every_part_of_a_recipe_has_a_recommender_here() -> None:
    assert set(RECOMMENDERS) == set(PARTS)


@pytest.fixture(params=sorted(RECOMMENDERS))
def recommender(request: pytest.FixtureRequest) -> Recommender:
    return named(request.param)


def named(name: str) -> Recommender:
    return RECOMMENDERS[name]


def test_every_item_gets_a_finite_score_of_mean_zero(
    recommender: Recommender, birch_store: Dataset
) -> None:
    part = recommender.fit(training_part(birch_store, birch_store.interactions), CONTEXT)
    scores = part.z_scores(BATCH)
    assert scores.shape in {(2, 120), (1, 120)}
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert scores[0].mean() == pytest.approx(0, abs=1e-4)
    assert scores[0].std() == pytest.approx(1, abs=1e-3)


def test_the_part_bears_the_name_that_keys_its_weight(
    recommender: Recommender, birch_store: Dataset
) -> None:
    part = recommender.fit(training_part(birch_store, birch_store.interactions), CONTEXT)
    assert named(part.name) is recommender


def test_one_seed_and_one_thread_give_the_same_bytes(
    recommender: Recommender, birch_store: Dataset
) -> None:
    part = training_part(birch_store, birch_store.interactions)
    first, second = (recommender.fit(part, CONTEXT).z_scores(BATCH) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_it_survives_one_user_with_one_item(
    recommender: Recommender, plain_store: Callable[..., Dataset]
) -> None:
    store = plain_store(users=1, items=1, lines=[(0, 0, 1, 0, False)])
    part = recommender.fit(training_part(store, store.interactions), CONTEXT)
    one = HistoryBatch(np.array([0, 1]), np.zeros(1, np.int32), np.ones(1, np.float32))
    assert np.isfinite(part.z_scores(one)).all()


def test_it_survives_a_user_who_turned_to_everything(
    recommender: Recommender, plain_store: Callable[..., Dataset]
) -> None:
    eager = [(0, item, 1, item, False) for item in range(50)] * 20
    store = plain_store(users=2, items=50, lines=[*eager, (1, 7, 5, 3, True)])
    part = recommender.fit(training_part(store, store.interactions), CONTEXT)
    assert np.isfinite(part.z_scores(BATCH)).all()


def test_it_survives_items_that_nobody_touched_and_users_who_like_nothing(
    recommender: Recommender, plain_store: Callable[..., Dataset]
) -> None:
    lines = [(0, 0, 1, 0, False), (1, 1, 5, 2, True), (2, 2, -5, 1, False)]
    store = plain_store(users=3, items=9, lines=lines)
    part = recommender.fit(training_part(store, store.interactions), CONTEXT)
    assert np.isfinite(part.z_scores(BATCH)).all()


@pytest.mark.parametrize("name", PERSONAL)
def test_a_shoppers_own_taste_ranks_above_the_others(name: str, acorn_store: Dataset) -> None:
    part = named(name).fit(training_part(acorn_store, acorn_store.interactions), CONTEXT)
    scores = part.z_scores(BATCH.between(0, 1))[0]
    # The history lies in the first taste: items 0..19.
    assert scores[:20].mean() > scores[20:].mean() + 0.5


@pytest.mark.parametrize("name", PERSONAL)
def test_the_seed_of_a_reason_comes_from_the_history(name: str, birch_store: Dataset) -> None:
    part = named(name).fit(training_part(birch_store, birch_store.interactions), CONTEXT)
    contributions = part.seed_contributions(*BATCH.of(0), np.array([7, 3, 5], np.int32))
    assert contributions is not None
    assert contributions.shape == (2, 3)
