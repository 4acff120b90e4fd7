"""What each recommender alone promises, by numbers made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from engine.core.dataset import CatalogueItem, Dataset
from engine.core.parts import HistoryBatch, NeighbourPart, VectorPart
from engine.core.portfolio import lightfm_portfolio
from engine.core.recipe import (
    CategoryPopularitySettings,
    ContentSettings,
    CoVisitsSettings,
    EaseSettings,
    FactorsSettings,
    GfcfSettings,
    ItemKnnSettings,
    Rp3Settings,
)
from engine.core.recommenders import ease
from engine.core.recommenders.category_popularity import CategoryPopularity
from engine.core.recommenders.co_visits import CoVisits
from engine.core.recommenders.content import Content
from engine.core.recommenders.ease import Ease
from engine.core.recommenders.factors import Factors
from engine.core.recommenders.gfcf import Gfcf
from engine.core.recommenders.item_knn import ItemKnn
from engine.core.recommenders.lightfm_hybrid import LightFMHybrid, LightFMRun
from engine.core.recommenders.own_history import OwnHistory
from engine.core.recommenders.popularity import windowed_popularity
from engine.core.recommenders.rp3 import Rp3
from engine.core.recommenders.sparse_rows import strongest_of_dense, strongest_per_row
from engine.core.training_part import training_part
from tests.engine.core.recommenders.test_contract import CONTEXT, LIGHTFM


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


def test_item_knn_is_the_damped_cosine_of_evened_users(plain_store: Callable[..., Dataset]) -> None:
    # Item 0: users 0, 1, 2; item 1: users 1, 2; item 2: user 3.
    lines = [(u, i, 1, 0, False) for u, i in [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (3, 2)]]
    store = plain_store(users=4, items=3, lines=lines)
    part = ItemKnn(ItemKnnSettings(5, shrinkage=2.0, half_life_days=None)).fit(
        training_part(store, store.interactions), CONTEXT
    )
    targets, weights = part.neighbours(0)
    assert targets.tolist() == [1]
    # Users with two pairs weigh 1/2 in every product, users with one pair 1.
    assert weights == pytest.approx([(1 / 2 + 1 / 2) / ((1 + 1 / 2 + 1 / 2) ** 0.5 * 1 + 2)])


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


@pytest.mark.parametrize("knows_popularity", [True, False])
def test_lightfm_learns_what_is_popular_in_its_vectors_or_as_biases(
    birch_store: Dataset, *, knows_popularity: bool
) -> None:
    settings = replace(LIGHTFM, knows_popularity=knows_popularity)
    part = training_part(birch_store, birch_store.interactions)
    state = LightFMHybrid(settings).learn(part, CONTEXT).state
    assert state.biases.any() != knows_popularity
    # An item that is new since then brings an accumulator of 1.
    grown = replace(state, bias_gradients=np.ones_like(state.bias_gradients))
    resumed = LightFMRun(settings, part, CONTEXT).resume(grown, part.pairs, epochs=1)
    assert resumed.state.biases.any() != knows_popularity


def test_lightfm_has_no_newest_epochs_where_everything_is_of_one_age() -> None:
    field = lightfm_portfolio(5, knows_ages=False)
    assert {(it.newest_epochs, it.half_life_days) for it in field} == {(0, None)}
    assert len(set(field)) == len(lightfm_portfolio(5))


def test_content_finds_the_way_to_an_item_without_events(birch_store: Dataset) -> None:
    store = with_unseen_items(birch_store)
    part = Content(ContentSettings(neighbours=10)).fit(
        training_part(store, store.interactions), CONTEXT
    )
    assert isinstance(part, NeighbourPart)
    targets, weights = part.neighbours(len(store.items) - 2)
    assert targets[weights.argmax()] in range(20)


def triangle(plain_store: Callable[..., Dataset]) -> Dataset:
    """Item 0 shares user 0 with item 1 and user 1 with item 2; user 2 has item 2 alone."""
    pairs = [(0, 0), (0, 1), (1, 0), (1, 2), (2, 2)]
    return plain_store(users=3, items=3, lines=[(u, i, 1, 0, False) for u, i in pairs])


def test_rp3_is_a_walk_over_users_with_popularity_damped(
    plain_store: Callable[..., Dataset],
) -> None:
    store = triangle(plain_store)
    part = Rp3(Rp3Settings(5, beta=0.5, half_life_days=None)).fit(
        training_part(store, store.interactions), CONTEXT
    )
    targets, weights = part.neighbours(0)
    # From item 0 to either user by 1/2, from there to the other item by 1/2; item 2 has two users.
    assert targets.tolist() == [1, 2]
    assert weights == pytest.approx([0.25, 0.25 / 2**0.5])


def test_gfcf_equals_its_two_filters(plain_store: Callable[..., Dataset]) -> None:
    store = triangle(plain_store)
    part = training_part(store, store.interactions)
    fitted = Gfcf(GfcfSettings(3, dimensions=1)).fit(part, CONTEXT)
    matrix = part.matrix(None).toarray()
    degrees = matrix.sum(axis=0)
    normalised = matrix / np.sqrt(matrix.sum(axis=1)[:, None] * degrees)
    leading = np.linalg.svd(normalised)[2][0]
    low_pass = np.outer(leading / np.sqrt(degrees), leading * np.sqrt(degrees))
    expected = normalised.T @ normalised + 0.3 * low_pass
    for row in range(3):
        targets, weights = fitted.neighbours(row)
        assert row not in targets
        assert weights == pytest.approx(expected[row, targets], abs=1e-4)


def test_ease_refuses_more_items_than_memory_is_kept_for(
    plain_store: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ease, "MOST_ITEMS", 2)
    store = triangle(plain_store)
    with pytest.raises(MemoryError, match="3 items"):
        Ease(EaseSettings(3, 1.0, None)).fit(training_part(store, store.interactions), CONTEXT)


def test_ease_over_many_blocks_is_ease_over_one(
    acorn_store: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = training_part(acorn_store, acorn_store.interactions)
    settings = EaseSettings(200, 10.0, None)
    whole = Ease(settings).fit(part, CONTEXT)
    monkeypatch.setattr(ease, "BLOCK_ROWS", 7)
    pieces = Ease(settings).fit(part, CONTEXT)
    assert pieces.indices.tolist() == whole.indices.tolist()
    assert pieces.data == pytest.approx(whole.data, abs=1e-6)


def test_co_visits_point_forward_and_fade_with_steps_and_age(
    plain_store: Callable[..., Dataset],
) -> None:
    lines = [(0, item, 1, 60.0 * item, False) for item in range(3)]
    store = plain_store(users=1, items=3, lines=lines)
    part = CoVisits(CoVisitsSettings(5, window=2, half_life_days=60.0)).fit(
        training_part(store, store.interactions), CONTEXT
    )
    targets, weights = part.neighbours(0)
    # Item 1 is a step away and 60 days old; item 2 two steps away and new.
    assert dict(zip(targets.tolist(), weights.tolist(), strict=True)) == {1: 0.5, 2: 0.5}
    assert not len(part.neighbours(2)[0])


def test_category_popularity_leads_to_the_best_of_the_shelf(birch_store: Dataset) -> None:
    part = training_part(birch_store, birch_store.interactions)
    fitted = CategoryPopularity(CategoryPopularitySettings(3, window_days=None)).fit(part, CONTEXT)
    targets, weights = fitted.neighbours(25)
    popularity = windowed_popularity(part, None)[20:40]
    best = 20 + np.argsort(-popularity, kind="stable")[:3]
    assert sorted(targets.tolist()) == sorted(best.tolist())
    assert weights.sum() == pytest.approx(1)


def test_own_history_scores_what_the_user_had_and_nothing_else(
    plain_store: Callable[..., Dataset],
) -> None:
    store = plain_store(users=1, items=5, lines=[(0, 0, 1, 0, False)])
    part = OwnHistory().fit(training_part(store, store.interactions), CONTEXT)
    history = HistoryBatch(
        np.array([0, 2]), np.array([4, 1], np.int32), np.array([2.0, 1.0], np.float32)
    )
    scores = part.z_scores(history)[0]
    assert scores.argsort()[::-1][:2].tolist() == [4, 1]
    assert len(set(scores[[0, 2, 3]].tolist())) == 1


def test_factors_give_an_item_without_events_the_place_of_its_features(
    birch_store: Dataset,
) -> None:
    store = with_unseen_items(birch_store)
    part = training_part(store, store.interactions)
    fitted = Factors(FactorsSettings(dimensions=16, ridge=1.0)).fit(part, CONTEXT)
    described, mystery = fitted.vectors[-2:]
    expected = (part.features.matrix[[len(store.items) - 2]] @ fitted.feature_vectors)[0]
    assert described == pytest.approx(expected, abs=1e-6)
    assert not mystery.any()
    likeness = fitted.vectors[:-2] @ described
    # It is described as a garden thing; those are the first twenty.
    assert likeness[:20].mean() > likeness[20:].mean() + likeness.std()


def test_looking_at_a_lightfm_run_does_not_change_it(birch_store: Dataset) -> None:
    part = training_part(birch_store, birch_store.interactions)
    looked_at = LightFMRun(LIGHTFM, part, CONTEXT)
    for _ in range(LIGHTFM.epochs):
        looked_at.advance(1)
        looked_at.finished()
    assert np.array_equal(
        looked_at.finished().part.vectors, LightFMHybrid(LIGHTFM).fit(part, CONTEXT).vectors
    )


@pytest.mark.parametrize("columns", [50, 9_000])
def test_the_strongest_of_a_dense_block_are_those_of_a_sparse_one(columns: int) -> None:
    block = np.random.default_rng(0).normal(size=(6, columns)).astype(np.float32)
    # A row with almost nothing in it, and one with nothing.
    block[4, 3:] = 0.0
    block[5] = 0.0
    found = strongest_of_dense(block.copy(), 20).toarray()
    assert np.array_equal(found, strongest_per_row(sp.csr_array(block), 20).toarray())
