"""Diversity: an order in which items differ from those before, by maximal marginal relevance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def diversified(
    relevance: NDArray[np.float32], vectors: NDArray[np.float32], *, diversity: float
) -> Iterator[int]:
    """Yield one after the other what is relevant and unlike all that came before.

    Parameters
    ----------
    relevance : float32[n]
        Scores of the pool, of any unit.
    vectors : float32[n, k]
        Of length 1 or 0, so that a product of two says how alike they are.
    diversity : float
        From 0, relevance alone, to 1, difference alone.

    Yields
    ------
    int
        Each place of the pool once; ties by place.

    Notes
    -----
    Carbonell and Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998. Relevance is
    scaled to 0..1 over the pool.

    Examples
    --------
    >>> relevance = np.array([1.0, 0.9, 0.5], np.float32)
    >>> vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> list(diversified(relevance, vectors, diversity=0.5))
    [0, 2, 1]
    """
    if not len(relevance):
        return
    spread = np.ptp(relevance) or np.float32(1)
    gains = (1 - diversity) * (relevance - relevance.min()) / spread
    alike = np.zeros(len(relevance), dtype=np.float32)
    for _ in range(len(relevance)):
        place = int(np.argmax(gains - diversity * alike))
        yield place
        gains[place] = -np.inf
        alike = np.maximum(alike, vectors @ vectors[place])
