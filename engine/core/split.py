"""Two sides of a store's history: what teaches, and what came later and examines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.core.dataset import Interactions
from engine.core.recency import DAY_SECONDS

TEST_SHARE = 0.20
VALIDATION_SHARE = 0.15

# What the lines tell about before and after: their times do, only their order does, nothing does.
Arrangement = Literal["time", "order", "none"]

# All events within an hour were written down then, not done then.
_LEAST_SPAN_SECONDS = 3600
# Lines that ascend by item within their user were sorted by item: their order says nothing.
_SORTED_SHARE = 0.95
_LEAST_NEIGHBOURS = 20


@dataclass(frozen=True)
class Split:
    """Two sides of a cut: what is ``later`` is hidden from what is taught by ``earlier``."""

    earlier: Interactions
    later: Interactions


def arrangement_of(interactions: Interactions) -> Arrangement:
    """Say what the lines know about before and after.

    Examples
    --------
    >>> bought = np.array([True, True])
    >>> at_once = Interactions(
    ...     user_index=np.zeros(2, np.int32), item_index=np.array([1, 0], np.int32),
    ...     weight=np.ones(2, np.float32), seconds=np.array([5, 5]), is_purchase=bought)
    >>> arrangement_of(at_once)
    'order'
    """
    if not len(interactions):
        return "time"
    if np.ptp(interactions.seconds) >= _LEAST_SPAN_SECONDS:
        return "time"
    is_same_user = interactions.user_index[1:] == interactions.user_index[:-1]
    ascends = (interactions.item_index[1:] > interactions.item_index[:-1])[is_same_user]
    is_sorted = len(ascends) >= _LEAST_NEIGHBOURS and ascends.mean() >= _SORTED_SHARE
    return "none" if is_sorted else "order"


def dated(interactions: Interactions) -> tuple[Interactions, Arrangement]:
    """Return the lines with times that mean something, and what they knew by themselves.

    Lines that only have an order get times: each step back from a user's last line is a day. So
    half-lives and windows mean steps, and a user's next real event is newer than all of them.
    """
    arrangement = arrangement_of(interactions)
    return (_stepped(interactions) if arrangement == "order" else interactions), arrangement


def _stepped(interactions: Interactions) -> Interactions:
    order = np.lexsort(
        (np.arange(len(interactions)), interactions.seconds, interactions.user_index)
    )
    users = interactions.user_index[order]
    ends = np.searchsorted(users, users, side="right")
    steps = np.empty(len(order), dtype=np.int64)
    steps[order] = ends - 1 - np.arange(len(order))
    newest = interactions.seconds.max(initial=0)
    return replace(interactions, seconds=newest - steps * DAY_SECONDS)


def hold_out(
    interactions: Interactions, *, arrangement: Arrangement, later_share: float, seed: int
) -> Split:
    """Cut by what the lines know: by time, else each user's last step, else a random share.

    Parameters
    ----------
    interactions : Interactions
        As `dated` returned them, with their ``arrangement``.
    arrangement : {"time", "order", "none"}
    later_share : float
        Of the lines (of the pairs, where nothing is known); a last step is a last step.
    seed : int
        Of the random share.
    """
    match arrangement:
        case "time":
            return temporal_split(interactions, later_share=later_share)
        case "order":
            is_later = _is_last_step(interactions)
        case "none":
            is_later = _is_drawn(interactions, share=later_share, seed=seed)
    return Split(earlier=interactions.take(~is_later), later=interactions.take(is_later))


def temporal_split(interactions: Interactions, *, later_share: float) -> Split:
    """Cut by event time so that about the newest ``later_share`` of the lines is later.

    Lines of one second stay together (an order is one moment), on the later side. When all lines
    share one second there is no later: everything is earlier.

    Examples
    --------
    >>> one = np.ones(5)
    >>> lines = Interactions(
    ...     user_index=one.astype(np.int32), item_index=one.astype(np.int32),
    ...     weight=one.astype(np.float32), seconds=np.array([50, 10, 30, 20, 40]),
    ...     is_purchase=one.astype(np.bool_))
    >>> temporal_split(lines, later_share=0.2).later.seconds
    array([50])
    """
    if not len(interactions):
        return Split(earlier=interactions, later=interactions)
    cut = min(len(interactions) - 1, int(len(interactions) * (1 - later_share)))
    boundary = np.partition(interactions.seconds, cut)[cut]
    is_later = interactions.seconds >= boundary
    if is_later.all():
        is_later = np.zeros_like(is_later)
    return Split(earlier=interactions.take(~is_later), later=interactions.take(is_later))


def _is_last_step(interactions: Interactions) -> NDArray[np.bool_]:
    """Mark each user's newest line; a user's only one stays."""
    n_users = int(interactions.user_index.max(initial=-1)) + 1
    newest = np.full(n_users, np.iinfo(np.int64).min)
    np.maximum.at(newest, interactions.user_index, interactions.seconds)
    lines = np.bincount(interactions.user_index, minlength=n_users)
    is_last = interactions.seconds == newest[interactions.user_index]
    return np.asarray(is_last & (lines[interactions.user_index] > 1))


def _is_drawn(interactions: Interactions, *, share: float, seed: int) -> NDArray[np.bool_]:
    """Draw pairs, so that what is hidden does not stand on the other side again."""
    n_items = int(interactions.item_index.max(initial=0)) + 1
    key = interactions.user_index.astype(np.int64) * n_items + interactions.item_index
    pairs, pair_of_line = np.unique(key, return_inverse=True)
    drawn = np.random.default_rng(seed).random(len(pairs)) < share
    return np.asarray(drawn[pair_of_line])
