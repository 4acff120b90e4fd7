"""Scores blends on a later window, user by user, through serving's own scoring path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import Blend
from engine.core.examination import Examination
from engine.core.metrics import Metric, bootstrap, coverage, ndcg, recall
from engine.core.top_rows import top_rows

NDCG_AT = 10
RECALL_AT = 20
# Scores held at once: 128 users of a catalogue of 100,000 are 51 MB per part.
_MOST_SCORES = 12_800_000
_MOST_USERS = 128


@dataclass(frozen=True)
class Evaluation:
    """Per-user results in the order of ``Examination.users``, float64[u] each."""

    ndcg: NDArray[np.float64]
    recall: NDArray[np.float64]
    reciprocal_rank: NDArray[np.float64]
    hit: NDArray[np.float64]
    coverage: float

    def metrics(self, *, seed: int) -> dict[str, Metric]:
        """Return the report's metrics with intervals; coverage is a count and has none."""
        return {
            f"ndcg@{NDCG_AT}": bootstrap(self.ndcg, seed=seed),
            f"recall@{RECALL_AT}": bootstrap(self.recall, seed=seed),
            f"hit_rate@{NDCG_AT}": bootstrap(self.hit, seed=seed),
            "mrr": bootstrap(self.reciprocal_rank, seed=seed),
            f"coverage@{NDCG_AT}": Metric(self.coverage, self.coverage, self.coverage),
        }


@dataclass(frozen=True)
class EvaluationReport:
    """Quality on the test window, which no candidate has seen.

    Attributes
    ----------
    metrics : mapping of str to Metric
        ``ndcg@10``, ``recall@20``, ``hit_rate@10``, ``mrr``, ``coverage@10`` of the recipe.
    baselines : mapping of str to mapping of str to Metric
        The same of ``popular`` (best recency window) and ``item_knn``, and of ``champion``
        (the champion's recipe trained on the same cut) when there is one.
    counts : mapping of str to int
        ``events``, ``users``, ``items``, ``train_events``, ``test_events``, ``test_users``.
    data_window : mapping of str to int
        ``first``, ``newest`` (robust), ``last``, ``test_start``: seconds since 1970 UTC.
    strata : mapping of str to mapping of str to Metric
        ``ndcg@10`` and ``recall@20`` of ``warm`` (what ``metrics`` says), ``new_user`` (nobody
        with a past) and ``cold_item`` (items without training events, ranked among themselves);
        a stratum nobody belongs to is left out.
    """

    metrics: Mapping[str, Metric]
    baselines: Mapping[str, Mapping[str, Metric]]
    counts: Mapping[str, int]
    data_window: Mapping[str, int]
    strata: Mapping[str, Mapping[str, Metric]] = field(default_factory=dict)


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
    marks = np.zeros((len(exam.users), 4))
    is_relevant = np.zeros(len(exam.allowed), dtype=np.bool_)
    shown = [np.zeros(0, np.int32)]
    for start, stop in batches(len(exam.users), len(exam.allowed)):
        scores = blend.scores(batch.between(start, stop))
        for place in range(start, stop):
            user = int(exam.users[place])
            allowed = exam.allowed_for(user)
            relevant = exam.relevant.of(user)
            listed = top_rows(scores[place - start], allowed=allowed, limit=RECALL_AT)
            is_relevant[relevant] = True
            hits = is_relevant[listed]
            is_relevant[relevant] = False
            marks[place] = (
                ndcg(hits[:NDCG_AT], relevant=len(relevant)),
                recall(hits, relevant=len(relevant)),
                _reciprocal_rank(scores[place - start], allowed, relevant),
                hits[:NDCG_AT].any(),
            )
            shown.append(listed[:NDCG_AT])
    catalogue = max(1, int(np.count_nonzero(exam.allowed)))
    return Evaluation(
        ndcg=marks[:, 0],
        recall=marks[:, 1],
        reciprocal_rank=marks[:, 2],
        hit=marks[:, 3],
        coverage=coverage(np.concatenate(shown), catalogue=catalogue),
    )


def _reciprocal_rank(
    scores: NDArray[np.float32], allowed: NDArray[np.bool_], relevant: NDArray[np.int32]
) -> float:
    best = relevant[np.lexsort((relevant, -scores[relevant]))[0]]
    ahead = scores > scores[best]
    ahead[:best] |= scores[:best] == scores[best]
    return 1.0 / (1 + np.count_nonzero(ahead & allowed))
