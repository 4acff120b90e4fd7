"""Scores blends on a later window, user by user, through serving's own scoring path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import Blend
from engine.core.examination import Examination
from engine.core.metrics import Metric, bootstraps, ndcg_of_lists
from engine.core.top_rows import top_rows

NDCG_AT = 10
RECALL_AT = 20
_LENGTHS = (1, 5, NDCG_AT, RECALL_AT, 50)
# Scores held at once: 128 users of a catalogue of 100,000 are 51 MB per part.
_MOST_SCORES = 12_800_000
_MOST_USERS = 128


@dataclass(frozen=True)
class Evaluation:
    """What became of each user and of each item.

    Attributes
    ----------
    by_metric : mapping of str to float64[u]
        Per user in the order of ``Examination.users``.
    shown, wanted, found : int64[n_items]
        How often an item stood in the first ten, was turned to, and was turned to and stood in
        the first twenty.
    coverage : float
    """

    by_metric: Mapping[str, NDArray[np.float64]]
    shown: NDArray[np.int64]
    wanted: NDArray[np.int64]
    found: NDArray[np.int64]
    coverage: float

    @property
    def ndcg(self) -> NDArray[np.float64]:
        """What recipes are chosen and judged by."""
        return self.by_metric[f"ndcg@{NDCG_AT}"]

    @property
    def recall(self) -> NDArray[np.float64]:
        """What the gate guards."""
        return self.by_metric[f"recall@{RECALL_AT}"]

    def metrics(self, *, seed: int) -> dict[str, Metric]:
        """Return the report's metrics with intervals; coverage is a count and has none."""
        means = bootstraps(self.by_metric, seed=seed)
        return {**means, f"coverage@{NDCG_AT}": Metric(self.coverage, self.coverage, self.coverage)}


def batches(users: int, n_items: int) -> Iterator[tuple[int, int]]:
    """Cut a number of users into runs whose scores fit in memory."""
    size = max(1, min(_MOST_USERS, _MOST_SCORES // max(1, n_items)))
    for start in range(0, users, size):
        yield start, min(start + size, users)


def evaluate(blend: Blend, exam: Examination, *, half_life_days: float | None) -> Evaluation:
    """Rank the examined catalogue for each examined user and mark the lists.

    Items that the examination takes from a user are left out of list and relevance alike.
    """
    batch = exam.batch(half_life_days)
    users = len(exam.users)
    hits = np.zeros((users, _LENGTHS[-1]), dtype=np.bool_)
    wishes = np.ones(users, dtype=np.int64)
    reciprocal_ranks = np.zeros(users)
    shown, wanted, found = np.zeros((3, len(exam.allowed)), dtype=np.int64)
    is_relevant = np.zeros(len(exam.allowed), dtype=np.bool_)
    for start, stop in batches(users, len(exam.allowed)):
        scores = blend.scores(batch.between(start, stop))
        for place in range(start, stop):
            user = int(exam.users[place])
            allowed = exam.allowed_for(user)
            relevant = exam.relevant.of(user)
            listed = top_rows(scores[place - start], allowed=allowed, limit=_LENGTHS[-1])
            is_relevant[relevant] = True
            hits[place, : len(listed)] = is_relevant[listed]
            is_relevant[relevant] = False
            wishes[place] = len(relevant)
            reciprocal_ranks[place] = _reciprocal_rank(scores[place - start], allowed, relevant)
            shown[listed[:NDCG_AT]] += 1
            wanted[relevant] += 1
            first = listed[:RECALL_AT]
            found[first[hits[place, : len(first)]]] += 1
    catalogue = max(1, int(np.count_nonzero(exam.allowed)))
    hits_until = np.cumsum(hits, axis=1)
    by_metric = {
        f"ndcg@{length}": ndcg_of_lists(hits, relevant=wishes, length=length) for length in _LENGTHS
    }
    by_metric |= {f"recall@{length}": hits_until[:, length - 1] / wishes for length in _LENGTHS}
    by_metric[f"hit_rate@{NDCG_AT}"] = (hits_until[:, NDCG_AT - 1] > 0).astype(np.float64)
    by_metric["mrr"] = reciprocal_ranks
    return Evaluation(
        by_metric=by_metric,
        shown=shown,
        wanted=wanted,
        found=found,
        coverage=float(np.count_nonzero(shown) / catalogue),
    )


def _reciprocal_rank(
    scores: NDArray[np.float32], allowed: NDArray[np.bool_], relevant: NDArray[np.int32]
) -> float:
    best = relevant[np.lexsort((relevant, -scores[relevant]))[0]]
    ahead = scores > scores[best]
    ahead[:best] |= scores[:best] == scores[best]
    return 1.0 / (1 + np.count_nonzero(ahead & allowed))
