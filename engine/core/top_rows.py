"""The best of many scores, without sorting them all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core import kernel


def top_rows(
    scores: NDArray[np.float32], *, allowed: NDArray[np.bool_], limit: int
) -> NDArray[np.int32]:
    """Return the rows of the ``limit`` highest allowed scores, best first, ties by row.

    Examples
    --------
    >>> scores = np.array([1.0, 5.0, 5.0, 9.0], np.float32)
    >>> top_rows(scores, allowed=np.array([True, True, True, False]), limit=2)
    array([1, 2], dtype=int32)
    """
    if kernel.library is not None and scores.dtype == np.float32:
        return kernel.top(scores, allowed=allowed, limit=limit)
    if 0 < limit < len(scores):
        reachable = np.where(allowed, scores, -np.inf)
        kth = len(scores) - limit
        allowed = allowed & (reachable >= np.partition(reachable, kth)[kth])
    candidates = np.flatnonzero(allowed)
    order = np.lexsort((candidates, -scores[candidates]))[:limit]
    return candidates[order].astype(np.int32)
