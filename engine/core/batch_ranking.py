"""Ranks the catalogue for many users at once, by the scoring path of a single call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.core.histories import UserHistories, UserRows, history_weights
from engine.core.ranking import score_popular
from engine.core.recency import DAY_SECONDS
from engine.core.scan import scan
from engine.core.tables import Rankable

NO_GROUP = -1
# Of how many more than asked for a list is chosen, since a group gives one of its items.
_POOL_FACTOR = 4

# Takes `limit`; returns rows, best first, and their scores.
_Best = Callable[..., tuple[NDArray[np.int32], NDArray[np.float32]]]


@dataclass(frozen=True)
class Assortment:
    """What may be shown now, by the model's item rows.

    ``is_available`` bool[n_items]; ``groups`` int32[n_items], the same number for variants of one
    product and `NO_GROUP` for items without any.
    """

    is_available: NDArray[np.bool_]
    groups: NDArray[np.int32]


@dataclass(frozen=True)
class Audience:
    """Users by row: what they did, and what they own, in the model's item rows."""

    histories: UserHistories
    purchased: UserRows


@dataclass(frozen=True)
class RankedList:
    """One user's items, best first: rows int32[k], scores float32[k]."""

    strategy: Literal["personal", "popular"]
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


def rank_users(
    model: Rankable,
    audience: Audience,
    assortment: Assortment,
    *,
    users: NDArray[np.int64],
    limit: int,
) -> Iterator[RankedList]:
    """Yield a list for each user, in their order.

    A user without a history is shown what is popular. What was bought stays out with its variants,
    and of variants the best one is shown.

    Parameters
    ----------
    model : Artifact or ModelTables
    users : int64[b]
        Rows of the audience; -1 for somebody who is not in it.
    limit : int
        Most items of a list.
    """
    hidden = with_siblings(audience.purchased, assortment.groups)
    histories = audience.histories
    popular = score_popular(model)

    def most_popular(
        *, allowed: NDArray[np.bool_], limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        rows = popular.best(allowed=allowed, limit=limit)
        return rows, popular.values[rows]

    # The last entry answers for -1.
    lengths = np.append(np.diff(histories.indptr), 0)
    for user in users.tolist():
        allowed = assortment.is_available.copy()
        if user >= 0:
            allowed[hidden.of(user)] = False
        if lengths[user]:
            span = slice(histories.indptr[user], histories.indptr[user + 1])
            age_days = (model.newest_seconds - histories.seconds[span]) / DAY_SECONDS
            weights = history_weights(
                histories.weights[span], age_days, model.history_half_life_days
            )
            best: _Best = scan(model.blend, histories.rows[span], weights).best
        else:
            best = most_popular
        listed = _one_of_each(partial(best, allowed=allowed), groups=assortment.groups, limit=limit)
        yield RankedList("personal" if lengths[user] else "popular", *listed)


def _one_of_each(
    best: _Best, *, groups: NDArray[np.int32], limit: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the best rows of which no two are variants of one product, and their scores."""
    pool = limit
    while True:
        rows, scores = best(limit=pool)
        of_rows = groups[rows]
        is_shown = of_rows == NO_GROUP
        if is_shown.all():
            return rows[:limit], scores[:limit]
        _, first = np.unique(of_rows, return_index=True)
        is_shown[first] = True
        if np.count_nonzero(is_shown) >= limit or len(rows) < pool:
            return rows[is_shown][:limit], scores[is_shown][:limit]
        pool *= _POOL_FACTOR


def with_siblings(purchased: UserRows, groups: NDArray[np.int32]) -> UserRows:
    """Return each user's rows and those of the same groups."""
    order = np.argsort(groups, kind="stable").astype(np.int32)
    of_row = groups[purchased.rows]
    starts = np.searchsorted(groups[order], of_row, side="left")
    lengths = np.searchsorted(groups[order], of_row, side="right") - starts
    is_single = of_row == NO_GROUP
    lengths[is_single] = 1
    before = np.cumsum(lengths) - lengths
    places = np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
    rows = order[places]
    rows[before[is_single]] = purchased.rows[is_single]
    total = np.concatenate([[0], np.cumsum(lengths)])
    return UserRows(indptr=total[purchased.indptr], rows=rows)
