"""What is asked of a blend: whose history, what they turned to later, and out of which items."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.core.dataset import Interactions
from engine.core.histories import UserHistories, UserRows, history_batch, user_histories, user_rows
from engine.core.parts import HistoryBatch
from engine.core.training_part import Pairs, TrainingPart, aggregate_pairs

# Lines of one user this close to the one before are one visit.
_VISIT_PAUSE_SECONDS = 1800


@dataclass(frozen=True)
class Examination:
    """Users with something to find in the later window.

    Attributes
    ----------
    users : int64[u]
        Rows of ``histories``, ``taken`` and ``relevant``.
    histories : UserHistories
        From the training part, or the rest of the same visit.
    taken, relevant : UserRows
        What is left out of each user's list; what each user turned to later, out of ``allowed``.
    allowed : bool[n_items]
        The examined catalogue.
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
        """Return bool[n_items]: the examined catalogue without what is taken from the user."""
        allowed = self.allowed.copy()
        allowed[self.taken.of(user)] = False
        return allowed

    def sampled(self, most_users: int | None, *, seed: int) -> Examination:
        """Return the examination of at most ``most_users`` of the users; None takes all."""
        if most_users is None or len(self.users) <= most_users:
            return self
        rng = np.random.default_rng(seed)
        users = np.sort(rng.choice(self.users, size=most_users, replace=False))
        return replace(self, users=users)


def examination(
    part: TrainingPart,
    later: Interactions,
    *,
    most_users: int | None,
    seed: int,
    repeats: bool = False,
) -> Examination:
    """Ask for what users with a past turn to later.

    Parameters
    ----------
    part : TrainingPart
    later : Interactions
        The other side of the split.
    most_users : int or None
        Sample at most this many users, None takes all.
    seed : int
        Of the sample.
    repeats : bool
        Whether what a user has met before may come again, in the list and as a find.
    """
    wanted = _wanted(part, later, allowed=part.is_active)
    taken = user_rows(_nothing() if repeats else part.all_pairs, n_users=part.n_users)
    if not repeats:
        wanted = wanted.take(~_is_met(part, wanted))
    return _of_histories(
        part, wanted, taken=taken, allowed=part.is_active, knows_them=True
    ).sampled(most_users, seed=seed)


def new_user_examination(
    part: TrainingPart, later: Interactions, *, most_users: int | None, seed: int
) -> Examination:
    """Ask for what users turn to of whom the training part knows nothing."""
    wanted = _wanted(part, later, allowed=part.is_active)
    wanted = wanted.take(~_is_met(part, wanted))
    taken = user_rows(part.all_pairs, n_users=part.n_users)
    exam = _of_histories(part, wanted, taken=taken, allowed=part.is_active, knows_them=False)
    return exam.sampled(most_users, seed=seed)


def cold_item_examination(
    part: TrainingPart, later: Interactions, *, most_users: int | None, seed: int
) -> Examination:
    """Ask users with a past for the items without training events, among these alone."""
    allowed = ~part.is_active
    wanted = _wanted(part, later, allowed=allowed)
    nothing = user_rows(_nothing(), n_users=part.n_users)
    exam = _of_histories(part, wanted, taken=nothing, allowed=allowed, knows_them=True)
    return exam.sampled(most_users, seed=seed)


def visit_examination(
    part: TrainingPart,
    later: Interactions,
    *,
    seeds: int | None,
    most_users: int | None,
    seed: int,
) -> Examination:
    """Ask for the rest of a visit (a basket, a session) by some of its items.

    Parameters
    ----------
    part : TrainingPart
    later : Interactions
        The other side of the split; a visit is a run of one user's lines without a long pause.
    seeds : int or None
        How many items of the visit are given; None gives half of them.
    most_users : int or None
        Sample at most this many visits.
    seed : int
        Of the sample, and of which items are given.
    """
    known = later.take((later.weight > 0) & part.is_active[later.item_index])
    visits = _visits(known)
    drawn = aggregate_pairs(replace(known, user_index=visits), n_items=part.n_items)
    drawn = drawn.take(np.random.default_rng(seed).permutation(len(drawn)))
    drawn = drawn.take(np.argsort(drawn.user_index, kind="stable"))
    n_visits = int(visits.max(initial=-1)) + 1
    sizes = np.bincount(drawn.user_index, minlength=n_visits)
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(drawn)) - starts[drawn.user_index]
    given = sizes[drawn.user_index] // 2 if seeds is None else seeds
    is_seed = place < given
    # A visit's items are one moment: none is older than another.
    same_moment = np.full(len(drawn), part.newest_seconds)
    basket = replace(drawn, seconds=same_moment, weight=np.ones(len(drawn), np.float32))
    seeds_of = basket.take(is_seed)
    exam = Examination(
        users=np.flatnonzero(sizes >= (2 if seeds is None else seeds + 1)),
        histories=user_histories(seeds_of, n_users=n_visits),
        taken=user_rows(seeds_of, n_users=n_visits),
        relevant=user_rows(basket.take(~is_seed), n_users=n_visits),
        allowed=part.is_active,
        newest_seconds=part.newest_seconds,
    )
    return exam.sampled(most_users, seed=seed)


def _visits(interactions: Interactions) -> NDArray[np.int32]:
    """Return int32[n]: the number of each line's visit."""
    order = np.lexsort((interactions.seconds, interactions.user_index))
    users, seconds = interactions.user_index[order], interactions.seconds[order]
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = (users[1:] != users[:-1]) | (np.diff(seconds) > _VISIT_PAUSE_SECONDS)
    visits = np.empty(len(order), dtype=np.int32)
    visits[order] = np.cumsum(begins) - 1
    return visits


def _wanted(part: TrainingPart, later: Interactions, *, allowed: NDArray[np.bool_]) -> Pairs:
    wanted = aggregate_pairs(later, n_items=part.n_items)
    return wanted.take((wanted.weight > 0) & allowed[wanted.item_index])


def _is_met(part: TrainingPart, pairs: Pairs) -> NDArray[np.bool_]:
    met = part.all_pairs.user_index.astype(np.int64) * part.n_items + part.all_pairs.item_index
    key = pairs.user_index.astype(np.int64) * part.n_items + pairs.item_index
    return np.isin(key, met)


def _of_histories(
    part: TrainingPart,
    wanted: Pairs,
    *,
    taken: UserRows,
    allowed: NDArray[np.bool_],
    knows_them: bool,
) -> Examination:
    histories = user_histories(part.pairs, n_users=part.n_users)
    has_history = np.diff(histories.indptr) > 0
    users = np.unique(wanted.user_index).astype(np.int64)
    return Examination(
        users=users[has_history[users] == knows_them],
        histories=histories,
        taken=taken,
        relevant=user_rows(wanted, n_users=part.n_users),
        allowed=allowed,
        newest_seconds=part.newest_seconds,
    )


def _nothing() -> Pairs:
    none = np.zeros(0, dtype=np.int32)
    return Pairs(
        user_index=none,
        item_index=none,
        weight=none.astype(np.float32),
        seconds=none.astype(np.int64),
        is_purchase=none.astype(np.bool_),
    )
