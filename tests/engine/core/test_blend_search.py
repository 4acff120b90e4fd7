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


def test_a_part_that_has_nothing_to_say_gets_no_weight() -> None:
    # The useful part is right for six shoppers of ten, so that little weight is its best.
    useful, silent = [[0.0, 2.0, 1.0]] * 10, [[0.0, 0.0, 0.0]] * 10
    relevant = [[False, True, False]] * 6 + [[True, False, False]] * 4
    weights = search_weights(scores_of(silent, useful, relevant=relevant))
    assert weights.tolist() == [0, 1]


def test_without_a_find_among_the_candidates_one_part_speaks() -> None:
    scores = scores_of([[1.0, 0.0]], [[0.0, 1.0]], relevant=[[False, False]])
    scores.ideal[:] = 1.0
    assert search_weights(scores).tolist() == [1, 0]


def test_the_weights_are_no_chance_peak_of_a_jagged_function() -> None:
    # Of 40 shoppers 30 find their item by the first part and 10 by the second; in NDCG alone the
    # second could as well be silent, since what it knows is never first in the sum.
    first = [[2.0, 1.0, 0.0]] * 40
    second = [[0.0, 1.0, 0.0]] * 40
    relevant = [[True, False, False]] * 30 + [[False, True, False]] * 10
    weights = search_weights(scores_of(first, second, relevant=relevant))
    assert weights[0] == 1
    assert 0 < weights[1] < 1


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
