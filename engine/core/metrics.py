"""Ranking metrics per user and their bootstrap intervals over users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000


@dataclass(frozen=True)
class Metric:
    """A mean over test users with its bootstrap 95 % interval."""

    value: float
    low: float
    high: float


def ndcg(hits: NDArray[np.bool_], *, relevant: int) -> float:
    """Return the discounted gain of a list over that of the best list of the same length.

    Parameters
    ----------
    hits : bool[k]
        Whether the item at each rank is relevant.
    relevant : int
        How many relevant items there are, ≥ 1; the ideal has min(k, relevant) hits.

    Notes
    -----
    Binary gains, discount ``1 / log2(rank + 1)`` (Järvelin and Kekäläinen, TOIS 2002).

    Examples
    --------
    >>> round(ndcg(np.array([False, True, False]), relevant=1), 4)  # 1/log2(3)
    0.6309
    """
    discounts = 1 / np.log2(np.arange(2, len(hits) + 2))
    return float(discounts[hits].sum() / discounts[:relevant].sum())


def recall(hits: NDArray[np.bool_], *, relevant: int) -> float:
    """Return the share of the relevant items that the list holds.

    Examples
    --------
    >>> recall(np.array([True, False, True, False]), relevant=8)
    0.25
    """
    return float(np.count_nonzero(hits) / relevant)


def ndcg_of_lists(
    hits: NDArray[np.bool_], *, relevant: NDArray[np.int64], length: int
) -> NDArray[np.float64]:
    """Return float64[users]: the NDCG of the first ``length`` places of many lists.

    Parameters
    ----------
    hits : bool[users, k]
        Whether the item at each rank is relevant; False behind a list's end.
    relevant : int64[users]
        How many relevant items each user has, ≥ 1; all of them could have been listed.
    length : int
        At most k.

    Examples
    --------
    >>> hits = np.array([[False, True, False], [True, False, False]])
    >>> ndcg_of_lists(hits, relevant=np.array([1, 1]), length=2).round(4)
    array([0.6309, 1.    ])
    """
    discounts = 1 / np.log2(np.arange(2, length + 2))
    ideal = np.cumsum(discounts)[np.minimum(relevant, length) - 1]
    return np.asarray(hits[:, :length] @ discounts / ideal)


def bootstraps(values: Mapping[str, NDArray[np.float64]], *, seed: int) -> dict[str, Metric]:
    """Return `bootstrap` of several measures of the same users, resampled once for all."""
    table = np.stack(list(values.values()))
    users = table.shape[1]
    if not users:
        return dict.fromkeys(values, Metric(value=0.0, low=0.0, high=0.0))
    rng = np.random.default_rng(seed)
    draws = (rng.integers(users, size=users) for _ in range(RESAMPLES))
    means = [table.take(draw, axis=1).mean(axis=1) for draw in draws]
    intervals = np.percentile(means, [2.5, 97.5], axis=0).T.tolist()
    return {
        name: Metric(value=float(row.mean()), low=low, high=high)
        for (name, row), (low, high) in zip(values.items(), intervals, strict=True)
    }


def bootstrap(values: NDArray[np.float64], *, seed: int) -> Metric:
    """Return the mean over users with the percentile bootstrap's 95 % interval.

    Give it differences per user for a paired interval.

    Parameters
    ----------
    values : float64[users]
        One value for each test user; without users all three numbers are 0.
    seed : int
        Of the 1,000 resamples (Efron, 1979).
    """
    return bootstraps({"": values}, seed=seed)[""]


def share(found: int, *, of: int, seed: int) -> Metric:
    """Return ``found / of`` with the interval that `bootstrap` of as many ones and zeros has."""
    means = np.random.default_rng(seed).binomial(of, found / of, size=RESAMPLES) / of
    low, high = np.percentile(means, [2.5, 97.5])
    return Metric(value=found / of, low=float(low), high=float(high))
