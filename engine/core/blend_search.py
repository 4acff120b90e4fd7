"""Learns the blend's weights on the validation window by greedy search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.evaluator import NDCG_AT, batches
from engine.core.examination import Examination
from engine.core.parts import Part
from engine.core.ranking import top_rows

# A blend's top ten nearly always lies within the parts' own top thirty each.
_CANDIDATES_PER_PART = 30
_WEIGHT_GRID = (0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0)
# Of the NDCG reached so far.
_LEAST_GAIN = 0.002
_MOST_ROUNDS = 12


@dataclass(frozen=True)
class CandidateScores:
    """What the search reads: every part's z-scores of each user's candidate items.

    Attributes
    ----------
    z_scores : float32[parts, users, candidates]
        Padding is -inf in every part.
    is_relevant : bool[users, candidates]
    ideal : float64[users]
        Discounted gain of the best list.
    """

    z_scores: NDArray[np.float32]
    is_relevant: NDArray[np.bool_]
    ideal: NDArray[np.float64]

    def mean_ndcg(self, weights: NDArray[np.float32]) -> float:
        """Return NDCG@10 of the blend, mean over users."""
        speaking = np.flatnonzero(weights)
        total = np.zeros(self.is_relevant.shape, dtype=np.float32)
        for place in speaking:
            total += weights[place] * self.z_scores[place]
        length = min(NDCG_AT, len(total[0]))
        best = np.argpartition(-total, length - 1, axis=1)[:, :length]
        order = np.argsort(-np.take_along_axis(total, best, axis=1), axis=1, kind="stable")
        hits = np.take_along_axis(self.is_relevant, np.take_along_axis(best, order, axis=1), axis=1)
        discounts = 1 / np.log2(np.arange(2, length + 2))
        return float((hits @ discounts / self.ideal).mean())


def candidate_scores(
    parts: tuple[Part, ...], exam: Examination, *, half_life_days: float | None
) -> CandidateScores:
    """Score each examined user's candidates: the union of the parts' best allowed items."""
    batch = exam.batch(half_life_days)
    width = min(_CANDIDATES_PER_PART * len(parts), len(exam.allowed))
    shape = (len(exam.users), width)
    z_scores = np.full((len(parts), *shape), -np.inf, dtype=np.float32)
    is_relevant = np.zeros(shape, dtype=np.bool_)
    ideal = np.zeros(len(exam.users))
    is_wanted = np.zeros(len(exam.allowed), dtype=np.bool_)
    discounts = 1 / np.log2(np.arange(2, NDCG_AT + 2))
    for start, stop in batches(len(exam.users), len(exam.allowed) * len(parts)):
        scores = [part.z_scores(batch.between(start, stop)) for part in parts]
        for place in range(start, stop):
            user = int(exam.users[place])
            allowed = exam.allowed_for(user)
            # A static part has one row for everyone.
            of_user = np.stack([rows[(place - start) % len(rows)] for rows in scores])
            best = [top_rows(row, allowed=allowed, limit=_CANDIDATES_PER_PART) for row in of_user]
            rows = np.unique(np.concatenate(best))
            relevant = exam.relevant.of(user)
            z_scores[:, place, : len(rows)] = of_user[:, rows]
            is_wanted[relevant] = True
            is_relevant[place, : len(rows)] = is_wanted[rows]
            is_wanted[relevant] = False
            ideal[place] = discounts[: len(relevant)].sum()
    return CandidateScores(z_scores=z_scores, is_relevant=is_relevant, ideal=ideal)


def search_weights(scores: CandidateScores) -> NDArray[np.float32]:
    """Return the blend weights that greedy coordinate search finds, float32[parts], some > 0.

    Starts from the best single part and takes the one change of one weight that gains most,
    until none gains enough to be worth what a part costs at serving.
    """
    singles = np.eye(len(scores.z_scores), dtype=np.float32)
    return _climb(scores, max(singles, key=scores.mean_ndcg))


def _climb(scores: CandidateScores, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    best = scores.mean_ndcg(weights)
    for _ in range(_MOST_ROUNDS):
        changed = [
            candidate
            for place in range(len(weights))
            for value in _WEIGHT_GRID
            if (candidate := _with(weights, place, value)).any() and value != weights[place]
        ]
        winner = max(changed, key=scores.mean_ndcg)
        gained = scores.mean_ndcg(winner)
        if gained <= best * (1 + _LEAST_GAIN):
            break
        weights, best = winner, gained
    return weights


def _with(weights: NDArray[np.float32], place: int, value: float) -> NDArray[np.float32]:
    changed = weights.copy()
    changed[place] = value
    return changed
