"""Ranks the catalogue for many users at once, by the scoring path of a single call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.core.evaluator import batches
from engine.core.histories import UserHistories, UserRows, history_batch
from engine.core.ranking import score_popular
from engine.core.tables import Rankable
from engine.core.top_rows import top_rows

NO_GROUP = -1
# Of how many more than asked for a list is chosen, since a group gives one of its items.
_POOL_FACTOR = 4


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
    popular = score_popular(model)
    # The last entry answers for -1.
    has_history = np.append(np.diff(audience.histories.indptr) > 0, False)
    nothing = np.zeros(0, np.int32)
    for start, stop in batches(len(users), len(assortment.groups)):
        some = users[start:stop]
        is_known = has_history[some]
        batch = history_batch(
            audience.histories,
            some[is_known],
            newest_seconds=model.newest_seconds,
            half_life_days=model.history_half_life_days,
        )
        personal = iter(model.blend.scores(batch))
        for user, speaks in zip(some.tolist(), is_known.tolist(), strict=True):
            allowed = assortment.is_available.copy()
            allowed[hidden.of(user) if user >= 0 else nothing] = False
            if speaks:
                scores = next(personal)
            else:
                scores, allowed = popular.values, allowed & (popular.values > 0)
            rows = _best(scores, allowed, groups=assortment.groups, limit=limit)
            yield RankedList("personal" if speaks else "popular", rows, scores[rows])


def _best(
    scores: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    *,
    groups: NDArray[np.int32],
    limit: int,
) -> NDArray[np.int32]:
    pool = limit
    while True:
        rows = top_rows(scores, allowed=allowed, limit=pool)
        _, first = np.unique(groups[rows], return_index=True)
        is_shown = groups[rows] == NO_GROUP
        is_shown[first] = True
        shown: NDArray[np.int32] = rows[is_shown][:limit]
        if len(shown) == limit or len(rows) < pool:
            return shown
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
