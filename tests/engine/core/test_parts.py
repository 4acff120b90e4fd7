from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from engine.core.parts import HistoryBatch, Part, StaticPart, vector_part
from engine.core.recommenders.sparse_rows import neighbour_part

BATCH = HistoryBatch(
    indptr=np.array([0, 2, 2, 3]),
    rows=np.array([1, 4, 3], np.int32),
    weights=np.array([1.0, 0.25, 2.0], np.float32),
)


def dense_history(n_items: int) -> np.ndarray:
    dense = np.zeros((3, n_items))
    dense[0, 1], dense[0, 4], dense[2, 3] = 1.0, 0.25, 2.0
    return dense


def dense_z(raw: np.ndarray) -> np.ndarray:
    spread = raw.std(axis=1, keepdims=True)
    z = np.zeros_like(raw)
    np.divide(raw - raw.mean(axis=1, keepdims=True), spread, where=spread > 0, out=z)
    return z


def random_vectors(n_items: int = 40, k: int = 6) -> np.ndarray:
    return np.random.default_rng(2).normal(0.3, 0.2, size=(n_items, k)).astype(np.float32)


def random_neighbours(n_items: int = 40) -> np.ndarray:
    rng = np.random.default_rng(4)
    return rng.normal(size=(n_items, n_items)) * (rng.random((n_items, n_items)) < 0.2)


def test_z_scores_by_mean_and_covariance_equal_the_dense_computation() -> None:
    vectors = random_vectors()
    part = vector_part(name="taste", vectors=vectors, feature_vectors=np.zeros((0, 6), np.float32))
    history = dense_history(40)
    users = history @ vectors / np.maximum(history.sum(axis=1, keepdims=True), 1e-9)
    assert part.z_scores(BATCH) == pytest.approx(dense_z(users @ vectors.T), abs=1e-4)


def test_signed_neighbours_score_exactly_as_the_dense_product() -> None:
    weights = random_neighbours()
    assert (weights < 0).any()
    part = neighbour_part("ease", [sp.csr_array(weights)])
    assert part.z_scores(BATCH) == pytest.approx(dense_z(dense_history(40) @ weights), abs=1e-5)


def test_an_empty_history_makes_zeros_and_no_nan() -> None:
    part = neighbour_part("ease", [sp.csr_array(random_neighbours())])
    assert not part.z_scores(BATCH)[1].any()
    same = vector_part(
        name="taste",
        vectors=np.ones((5, 2), np.float32),
        feature_vectors=np.zeros((0, 2), np.float32),
    )
    assert not same.z_scores(BATCH).any()


def test_a_user_scores_the_same_alone_as_in_a_batch() -> None:
    part = neighbour_part("item_knn", [sp.csr_array(random_neighbours())])
    assert part.z_scores(BATCH.between(2, 3))[0] == pytest.approx(part.z_scores(BATCH)[2])


def test_contributions_of_the_history_sum_to_the_raw_score() -> None:
    item_rows = np.array([39, 0, 7], np.int32)
    weights = random_neighbours()
    rows, history_weights = BATCH.of(0)
    part = neighbour_part("ease", [sp.csr_array(weights)])
    contributions = part.seed_contributions(rows, history_weights, item_rows)
    raw = dense_history(40)[0] @ weights[:, item_rows]
    assert contributions.sum(axis=0) == pytest.approx(raw)


def test_popularity_is_the_same_for_everyone_and_has_no_seed() -> None:
    part: Part = StaticPart(name="popular", scores=np.array([1.0, -1.0], np.float32))
    assert part.z_scores(BATCH).shape == (1, 2)
    assert part.seed_contributions(*BATCH.of(0), np.array([1], np.int32)) is None
