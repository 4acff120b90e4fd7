"""Users as their interactions: what serving starts from, and what it must not offer again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.parts import HistoryBatch
from engine.core.recency import DAY_SECONDS, decay
from engine.core.training_part import Pairs

# Twice as many bring a hundredth more of NDCG, half as many cost two (Online Retail, RetailRocket).
HISTORY_LENGTH = 100


@dataclass(frozen=True)
class UserRows:
    """Item rows of each user as CSR: user ``i`` owns ``rows[indptr[i]:indptr[i + 1]]``."""

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]

    def of(self, user: int) -> NDArray[np.int32]:
        """Return one user's rows, ascending."""
        return self.rows[self.indptr[user] : self.indptr[user + 1]]


@dataclass(frozen=True)
class UserHistories:
    """The last 100 distinct items of each user as CSR, oldest first.

    ``weights`` float32 are sums of event weights (before log and decay), ``seconds`` int64 the
    latest event's time.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    seconds: NDArray[np.int64]


def user_rows(pairs: Pairs, *, n_users: int) -> UserRows:
    """Return every item of the pairs, by user."""
    order = np.lexsort((pairs.item_index, pairs.user_index))
    return UserRows(
        indptr=_indptr(pairs.user_index, n_users),
        rows=pairs.item_index[order],
    )


def user_histories(pairs: Pairs, *, n_users: int) -> UserHistories:
    """Return the last `HISTORY_LENGTH` positive pairs of each user; ties in time by item row."""
    positive = pairs.take(pairs.weight > 0)
    ordered = positive.take(
        np.lexsort((positive.item_index, positive.seconds, positive.user_index))
    )
    indptr = _indptr(ordered.user_index, n_users)
    from_end = indptr[ordered.user_index + 1] - np.arange(len(ordered))
    kept = ordered.take(from_end <= HISTORY_LENGTH)
    return UserHistories(
        indptr=_indptr(kept.user_index, n_users),
        rows=kept.item_index,
        weights=kept.weight,
        seconds=kept.seconds,
    )


def history_weights(
    weights: NDArray[np.float32], age_days: NDArray[np.float64], half_life_days: float | None
) -> NDArray[np.float32]:
    """Turn one user's event weights and ages into weights of the user vector.

    ``sqrt(log1p(weight)) * 0.5 ** ((age - youngest age) / half-life)``: every part's z-score
    ignores a common factor, so counting from the user's own newest event keeps old users from
    vanishing. Flat weights would suit what is new to a user better, steeper ones what is bought
    again; the root loses a hundredth on either.

    Examples
    --------
    >>> history_weights(np.array([1, 1], np.float32), np.array([730.0, 700.0]), 30.0).round(3)
    array([0.416, 0.833], dtype=float32)
    """
    if not len(weights):
        return weights
    since = age_days - min(age_days.tolist())
    decayed = np.sqrt(np.log1p(weights)) * decay(since, half_life_days)
    return np.asarray(decayed, dtype=np.float32)


def history_batch(
    histories: UserHistories,
    users: NDArray[np.int64],
    *,
    newest_seconds: int,
    half_life_days: float | None,
) -> HistoryBatch:
    """Return the chosen users' histories as serving would weigh them."""
    rows, weights, lengths = [], [], []
    for user in users:
        span = slice(histories.indptr[user], histories.indptr[user + 1])
        age_days = (newest_seconds - histories.seconds[span]) / DAY_SECONDS
        rows.append(histories.rows[span])
        weights.append(history_weights(histories.weights[span], age_days, half_life_days))
        lengths.append(len(age_days))
    return HistoryBatch(
        indptr=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
        rows=np.concatenate(rows) if rows else np.zeros(0, np.int32),
        weights=np.concatenate(weights) if weights else np.zeros(0, np.float32),
    )


def _indptr(user_index: NDArray[np.int32], n_users: int) -> NDArray[np.int64]:
    counts = np.bincount(user_index, minlength=n_users)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
