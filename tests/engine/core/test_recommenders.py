"""The contract every recommender keeps, and what each alone promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine.core.dataset import CatalogueItem, Dataset
from engine.core.parts import HistoryBatch, NeighbourPart, VectorPart
from engine.core.recipe import (
    ContentSettings,
    EaseSettings,
    ItemKnnSettings,
    LightFMSettings,
    PopularitySettings,
)
from engine.core.recommenders.content import Content
from engine.core.recommenders.ease import Ease
from engine.core.recommenders.item_knn import ItemKnn
from engine.core.recommenders.lightfm_hybrid import LightFMHybrid
from engine.core.recommenders.popularity import Popularity, windowed_popularity
from engine.core.recommenders.protocol import FitContext, Recommender
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
}
BATCH = HistoryBatch(
    indptr=np.array([0, 2, 2]),
    rows=np.array([1, 4], np.int32),
    weights=np.array([1.0, 0.5], np.float32),
)
PERSONAL = sorted(set(RECOMMENDERS) - {"popular"})


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


def test_popularity_counts_the_window_back_from_the_newest_events(
    plain_store: Callable[..., Dataset],
) -> None:
    old = [(user, 0, 1, 0, False) for user in range(300)]
    new = [(user, 1, 1, 99, False) for user in range(120)]
    store = plain_store(users=300, items=3, lines=old + new)
    part = training_part(store, store.interactions)
    assert windowed_popularity(part, 7).argmax() == 1
    assert windowed_popularity(part, None).argmax() == 0
    assert windowed_popularity(part, 7)[2] == 0


def test_a_window_with_too_few_events_widens(plain_store: Callable[..., Dataset]) -> None:
    old = [(user, 0, 1, 80, False) for user in range(150)]
    new = [(user, 1, 1, 99, False) for user in range(40)]
    store = plain_store(users=150, items=2, lines=old + new)
    part = training_part(store, store.interactions)
    assert windowed_popularity(part, 1).argmax() == 0


def test_a_shopper_who_clicks_all_day_counts_little_more_than_once(
    plain_store: Callable[..., Dataset],
) -> None:
    eager = [(0, 0, 1, 0, False)] * 50
    others = [(user, 1, 1, 0, False) for user in range(1, 8)]
    store = plain_store(users=8, items=2, lines=eager + others)
    popularity = windowed_popularity(training_part(store, store.interactions), None)
    # log(1 + 50) = 3.93 against 7 * log(1 + 1) = 4.85
    assert popularity.argmax() == 1


def test_item_knn_is_the_damped_cosine(plain_store: Callable[..., Dataset]) -> None:
    # Item 0: users 0, 1, 2; item 1: users 1, 2; item 2: user 3.
    lines = [(u, i, 1, 0, False) for u, i in [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (3, 2)]]
    store = plain_store(users=4, items=3, lines=lines)
    part = ItemKnn(ItemKnnSettings(5, shrinkage=2.0, half_life_days=None)).fit(
        training_part(store, store.interactions), CONTEXT
    )
    targets, weights = part.neighbours(0)
    assert targets.tolist() == [1]
    assert weights == pytest.approx([2 / (3**0.5 * 2**0.5 + 2)])


def test_ease_equals_its_closed_form(plain_store: Callable[..., Dataset]) -> None:
    lines = [(u, i, 1, 0, False) for u, i in [(0, 0), (0, 1), (1, 0), (1, 2), (2, 1), (2, 2)]]
    store = plain_store(users=3, items=3, lines=lines)
    part = Ease(EaseSettings(3, regularisation=1.0, half_life_days=None)).fit(
        training_part(store, store.interactions), CONTEXT
    )
    # G = XᵀX + I = [[3,1,1],[1,3,1],[1,1,3]]; its inverse has 0.4 on and -0.1 off the diagonal.
    for row, others in enumerate(([1, 2], [0, 2], [0, 1])):
        targets, weights = part.neighbours(row)
        assert targets.tolist() == others
        assert weights == pytest.approx([0.1 / 0.4, 0.1 / 0.4])


def with_unseen_items(store: Dataset) -> Dataset:
    unseen = [
        CatalogueItem("new garden thing", "Garden thing", ("Home > Garden",), "Brand 1", 2.0),
        CatalogueItem("new mystery", "Qwertz"),
    ]
    return replace(store, items=[*store.items, *unseen])


def test_lightfm_rows_that_no_event_touched_are_zero_or_features_alone(
    birch_store: Dataset,
) -> None:
    store = with_unseen_items(birch_store)
    part = LightFMHybrid(LIGHTFM).fit(training_part(store, store.interactions), CONTEXT)
    assert isinstance(part, VectorPart)
    described, mystery = part.vectors[-2:]
    features = training_part(store, store.interactions).features.matrix[[len(store.items) - 2]]
    assert described == pytest.approx((features @ part.feature_vectors)[0], abs=1e-6)
    assert described.any()
    assert not mystery.any()


def test_content_finds_the_way_to_an_item_without_events(birch_store: Dataset) -> None:
    store = with_unseen_items(birch_store)
    part = RECOMMENDERS["content"].fit(training_part(store, store.interactions), CONTEXT)
    assert isinstance(part, NeighbourPart)
    targets, weights = part.neighbours(len(store.items) - 2)
    assert targets[weights.argmax()] in range(20)
