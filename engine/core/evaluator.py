"""Scores blends on a later window, user by user, through serving's own scoring path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import Blend
from engine.core.examination import Examination
from engine.core.metrics import Metric, bootstrap, ndcg, recall
from engine.core.top_rows import top_rows

NDCG_AT = 10
RECALL_AT = 20
_LENGTHS = (5, NDCG_AT, RECALL_AT)
_METRICS = (
    *(f"ndcg@{length}" for length in _LENGTHS),
    *(f"recall@{length}" for length in _LENGTHS),
    f"hit_rate@{NDCG_AT}",
    "mrr",
)
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
        How often an item stood in the first ten, was turned to, and was turned to and listed.
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
        means = {name: bootstrap(values, seed=seed) for name, values in self.by_metric.items()}
        return {**means, f"coverage@{NDCG_AT}": Metric(self.coverage, self.coverage, self.coverage)}


@dataclass(frozen=True)
class EvaluationReport:
    """Quality on the test window, which no candidate has seen.

    Attributes
    ----------
    metrics : mapping of str to Metric
        ``ndcg@`` and ``recall@`` 5, 10 and 20, ``hit_rate@10``, ``mrr``, ``coverage@10`` and
        ``popular_share@10`` of the recipe.
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
        of ``history 1``, ``history 2-4`` and so on, users by how much is known of them;
        ``recall@20`` alone of ``category: …``, the ten that were turned to most. A stratum nobody
        belongs to is left out.
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
    marks = np.zeros((len(_METRICS), len(exam.users)))
    shown, wanted, found = np.zeros((3, len(exam.allowed)), dtype=np.int64)
    is_relevant = np.zeros(len(exam.allowed), dtype=np.bool_)
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
            marks[:, place] = [
                *(ndcg(hits[:length], relevant=len(relevant)) for length in _LENGTHS),
                *(recall(hits[:length], relevant=len(relevant)) for length in _LENGTHS),
                float(hits[:NDCG_AT].any()),
                _reciprocal_rank(scores[place - start], allowed, relevant),
            ]
            shown[listed[:NDCG_AT]] += 1
            wanted[relevant] += 1
            found[listed[hits]] += 1
    catalogue = max(1, int(np.count_nonzero(exam.allowed)))
    return Evaluation(
        by_metric=dict(zip(_METRICS, marks, strict=True)),
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
