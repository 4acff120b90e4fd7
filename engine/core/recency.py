"""Time as the engine counts it: back from a robust newest event, never from the wall clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DAY_SECONDS = 86_400

# A newest moment is believed when this many events lie in some window before it: a hundredth of
# the history, at least three (a lone stray event is none) and at most a hundred.
_SUPPORT_SHARE = 100
_SUPPORT_LEAST = 3
_SUPPORT_MOST = 100
_SUPPORT_WINDOWS_DAYS = (7, 30, 90)


def robust_newest_seconds(seconds: NDArray[np.int64]) -> int:
    """Return the latest event time that has enough events close behind it.

    Imported history stays the newest when a single live event arrives years later.

    Parameters
    ----------
    seconds : int64[n]
        Event times, any order, n ≥ 1.

    Returns
    -------
    int
        One of ``seconds``: the latest with enough events in the 7 days up to it (failing that 30
        or 90 days, failing that the plain maximum).

    Examples
    --------
    >>> week = np.arange(10, dtype=np.int64) * DAY_SECONDS // 2
    >>> stray = np.int64(4000 * DAY_SECONDS)
    >>> robust_newest_seconds(np.append(week, stray)) == week[-1]
    np.True_
    """
    ordered = np.sort(seconds)
    support = min(_SUPPORT_MOST, max(_SUPPORT_LEAST, len(ordered) // _SUPPORT_SHARE))
    position = np.arange(1, len(ordered) + 1)
    for days in _SUPPORT_WINDOWS_DAYS:
        before_window = np.searchsorted(ordered, ordered - days * DAY_SECONDS, side="right")
        supported = np.flatnonzero(position - before_window >= support)
        if len(supported):
            return int(ordered[supported[-1]])
    return int(ordered[-1])


def decay(age_days: NDArray[np.float64], half_life_days: float | None) -> NDArray[np.float64]:
    """Return ``0.5 ** (age / half-life)``, ones without a half-life.

    Examples
    --------
    >>> decay(np.array([0.0, 30.0, 60.0]), 30.0)
    array([1.  , 0.5 , 0.25])
    """
    if half_life_days is None:
        return np.ones_like(age_days)
    return np.asarray(np.exp2(age_days / -half_life_days))
