"""Scores blends on a later window, user by user, through serving's own scoring path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import Blend
from engine.core.dataset import Interactions
from engine.core.histories import UserHistories, UserRows, history_batch, user_histories, user_rows
from engine.core.metrics import Metric, bootstrap, coverage, ndcg, recall
from engine.core.parts import HistoryBatch
from engine.core.ranking import top_rows
from engine.core.training_part import TrainingPart, aggregate_pairs

NDCG_AT = 10
RECALL_AT = 20
# Users scored at once: 128 x 100,000 items are 51 MB per part.
BATCH_USERS = 128


@dataclass(frozen=True)
class Examination:
    """Users with a past in the training part and something new in the later window.

    Attributes
    ----------
    users : int64[u]
        Rows in the dataset's user keys.
    histories : UserHistories
        Of all users, from the training part.
    taken, relevant : UserRows
        What each user had met before; what each user newly turned to later, out of ``allowed``.
    allowed : bool[n_items]
        The training catalogue: items with training events. Later ones can't be known yet.
    newest_seconds : int
        Of the training part.
    """

    users: NDArray[np.int64]
    histories: UserHistories
    taken: UserRows
    relevant: UserRows
    allowed: NDArray[np.bool_]
    newest_seconds: int

    def batch(self, half_life_days: float | None) -> HistoryBatch:
        """Return the examined users' histories, in the order of ``users``."""
        return history_batch(
            self.histories,
            self.users,
            newest_seconds=self.newest_seconds,
            half_life_days=half_life_days,
        )

    def allowed_for(self, user: int) -> NDArray[np.bool_]:
        """Return bool[n_items]: the training catalogue without what the user had met."""
        allowed = self.allowed.copy()
        allowed[self.taken.of(user)] = False
        return allowed


@dataclass(frozen=True)
class Evaluation:
    """Per-user results in the order of ``Examination.users``, float64[u] each."""

    ndcg: NDArray[np.float64]
    recall: NDArray[np.float64]
    reciprocal_rank: NDArray[np.float64]
    coverage: float

    def metrics(self, *, seed: int) -> dict[str, Metric]:
        """Return the report's metrics with intervals; coverage is a count and has none."""
        return {
            f"ndcg@{NDCG_AT}": bootstrap(self.ndcg, seed=seed),
            f"recall@{RECALL_AT}": bootstrap(self.recall, seed=seed),
            "mrr": bootstrap(self.reciprocal_rank, seed=seed),
            f"coverage@{NDCG_AT}": Metric(self.coverage, self.coverage, self.coverage),
        }


@dataclass(frozen=True)
class EvaluationReport:
    """Quality on the test window, which no candidate has seen.

    Attributes
    ----------
    metrics : mapping of str to Metric
        ``ndcg@10``, ``recall@20``, ``mrr``, ``coverage@10`` of the trained recipe.
    baselines : mapping of str to mapping of str to Metric
        The same of ``popular`` (best recency window) and ``item_knn``, and of ``champion``
        (the champion's recipe trained on the same cut) when there is one.
    counts : mapping of str to int
        ``events``, ``users``, ``items``, ``train_events``, ``test_events``, ``test_users``.
    data_window : mapping of str to int
        ``first``, ``newest`` (robust), ``last``, ``test_start``: seconds since 1970 UTC.
    """

    metrics: Mapping[str, Metric]
    baselines: Mapping[str, Mapping[str, Metric]]
    counts: Mapping[str, int]
    data_window: Mapping[str, int]


def examination(
    part: TrainingPart, later: Interactions, *, most_users: int | None, seed: int
) -> Examination:
    """Set the later window as an examination of what was learnt from ``part``.

    Parameters
    ----------
    part : TrainingPart
    later : Interactions
        The other side of the split.
    most_users : int or None
        Sample at most this many users, None takes all.
    seed : int
        Of the sample.
    """
    taken = user_rows(part.all_pairs, n_users=part.n_users)
    wanted = aggregate_pairs(later, n_items=part.n_items)
    wanted = wanted.take((wanted.weight > 0) & part.is_active[wanted.item_index])
    met = part.all_pairs.user_index.astype(np.int64) * part.n_items + part.all_pairs.item_index
    key = wanted.user_index.astype(np.int64) * part.n_items + wanted.item_index
    wanted = wanted.take(~np.isin(key, met))
    histories = user_histories(part.pairs, n_users=part.n_users)
    has_history = np.diff(histories.indptr) > 0
    users = np.unique(wanted.user_index).astype(np.int64)
    users = users[has_history[users]]
    if most_users is not None and len(users) > most_users:
        rng = np.random.default_rng(seed)
        users = np.sort(rng.choice(users, size=most_users, replace=False))
    return Examination(
        users=users,
        histories=histories,
        taken=taken,
        relevant=user_rows(wanted, n_users=part.n_users),
        allowed=part.is_active,
        newest_seconds=part.newest_seconds,
    )


def evaluate(blend: Blend, exam: Examination, *, half_life_days: float | None) -> Evaluation:
    """Rank the whole training catalogue for each examined user and mark the lists.

    Items the user had met before are left out of list and relevance alike.
    """
    batch = exam.batch(half_life_days)
    marks = np.zeros((len(exam.users), 3))
    shown = [np.zeros(0, np.int32)]
    for start in range(0, len(exam.users), BATCH_USERS):
        stop = min(start + BATCH_USERS, len(exam.users))
        scores = blend.scores(batch.between(start, stop))
        for place in range(start, stop):
            user = int(exam.users[place])
            allowed = exam.allowed_for(user)
            relevant = exam.relevant.of(user)
            listed = top_rows(scores[place - start], allowed=allowed, limit=RECALL_AT)
            hits = np.isin(listed, relevant)
            marks[place] = (
                ndcg(hits[:NDCG_AT], relevant=len(relevant)),
                recall(hits, relevant=len(relevant)),
                _reciprocal_rank(scores[place - start], allowed, relevant),
            )
            shown.append(listed[:NDCG_AT])
    catalogue = max(1, int(np.count_nonzero(exam.allowed)))
    return Evaluation(
        ndcg=marks[:, 0],
        recall=marks[:, 1],
        reciprocal_rank=marks[:, 2],
        coverage=coverage(np.concatenate(shown), catalogue=catalogue),
    )


def _reciprocal_rank(
    scores: NDArray[np.float32], allowed: NDArray[np.bool_], relevant: NDArray[np.int32]
) -> float:
    best = relevant[np.lexsort((relevant, -scores[relevant]))[0]]
    ahead = scores > scores[best]
    ahead[:best] |= scores[:best] == scores[best]
    return 1.0 / (1 + np.count_nonzero(ahead & allowed))
