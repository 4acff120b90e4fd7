from __future__ import annotations

import numpy as np
import pytest

from engine.core.blend_search import CandidateScores, candidate_scores, search_weights
from engine.core.dataset import Dataset
from engine.core.evaluator import evaluate
from engine.core.examination import examination
from engine.core.split import temporal_split
from engine.core.trained_model import TrainedModel
from engine.core.training_part import training_part


def scores_of(*parts: list[list[float]], relevant: list[list[bool]]) -> CandidateScores:
    is_relevant = np.array(relevant)
    discounts = 1 / np.log2(np.arange(2, 12))
    ideal = np.array([discounts[:count].sum() for count in is_relevant.sum(axis=1)])
    return CandidateScores(np.array(parts, np.float32), is_relevant, ideal)


def test_a_useless_part_gets_no_weight() -> None:
    useful, noise = [[2.0, 0.0, 1.0]], [[0.0, 2.0, 1.0]]
    weights = search_weights(scores_of(noise, useful, relevant=[[True, False, False]]))
    assert weights.tolist() == [0, 1]


def test_two_parts_that_each_know_half_are_blended() -> None:
    # One alone ranks the relevant item second for one user of two.
    first = [[2.0, 0.0, 0.0], [0.3, 0.0, 0.4]]
    second = [[0.3, 0.0, 0.4], [2.0, 0.0, 0.0]]
    scores = scores_of(first, second, relevant=[[True, False, False]] * 2)
    weights = search_weights(scores)
    assert scores.mean_ndcg(np.array([1, 0], np.float32)) < 1
    assert scores.mean_ndcg(weights) == pytest.approx(1)
    assert (weights > 0).all()


def test_a_harmful_part_is_dropped_from_a_blend_of_three() -> None:
    first = [[2.0, 0.0, 0.0], [0.3, 0.0, 0.4]]
    second = [[0.3, 0.0, 0.4], [2.0, 0.0, 0.0]]
    harmful = [[-9.0, 0.0, 0.0], [-9.0, 0.0, 0.0]]
    scores = scores_of(first, second, harmful, relevant=[[True, False, False]] * 2)
    weights = search_weights(scores)
    assert scores.mean_ndcg(weights) == pytest.approx(1)
    assert (weights > 0).tolist() == [True, True, False]


def test_the_search_sees_the_same_ndcg_as_the_evaluation(
    acorn_store: Dataset, acorn_model: TrainedModel
) -> None:
    split = temporal_split(acorn_store.interactions, later_share=0.2)
    part = training_part(acorn_store, split.earlier)
    exam = examination(part, split.later, most_users=50, seed=0)
    blend = acorn_model.tables.blend
    scores = candidate_scores(blend.parts, exam, half_life_days=60.0)
    weights = np.array([blend.weights.get(part.name, 0) for part in blend.parts], np.float32)
    exact = evaluate(blend, exam, half_life_days=60.0).ndcg.mean()
    assert scores.mean_ndcg(weights) == pytest.approx(exact, abs=1e-6)
