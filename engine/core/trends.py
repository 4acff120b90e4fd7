"""What is asked for more than it used to be: each product's visits against its own past."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

# Days of each window, and of the past before it: long enough that a weekend is no news.
WINDOWS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"24h": (1, 28), "7d": (7, 28), "30d": (30, 90)}
)
# With fewer visits of all products a window says nothing; the next wider one stands in.
LEAST_VISITS = 100
# Of one product: fewer are a chance.
_LEAST_OF_PRODUCT = 3
# In deviations of a Poisson count from what was expected of it.
_LEAST_SURPRISE = 2.0
# What every product is believed to have had, and to have been expected to, before it is looked at.
_SHRINKAGE = 5

Counts = NDArray[np.int64]


def rises(visits: Mapping[str, tuple[Counts, Counts]]) -> dict[str, NDArray[np.float32]]:
    """Return float32[n_products] for each window of `WINDOWS`: how much a product rises, else 0.

    Parameters
    ----------
    visits : mapping of window to (int64[n_products], int64[n_products])
        In the window and in its past; a shopper counts once a day for a product.

    Notes
    -----
    The expected visits are those of the past at the whole store's pace of now: a sale that
    doubles everything makes nothing rise. A rise is ``ln((seen + 5) / (expected + 5))``, shrunk
    like lift in `engine.core.co_purchases`, where the count is beyond chance. Measured in ADR 20.
    """
    found: dict[str, NDArray[np.float32]] = {}
    wider: NDArray[np.float32] | None = None
    for window in reversed(list(WINDOWS)):
        now, past = visits[window]
        if wider is None or now.sum() >= LEAST_VISITS:
            wider = _rise(now, past)
        found[window] = wider
    return found


def _rise(now: Counts, past: Counts) -> NDArray[np.float32]:
    if not past.sum():
        # Of what has no past nobody knows whether it rises.
        return np.zeros(len(now), dtype=np.float32)
    expected = past * (now.sum() / past.sum())
    surprise = (now - expected) / np.sqrt(expected + 1)
    is_rising = (now >= _LEAST_OF_PRODUCT) & (surprise >= _LEAST_SURPRISE)
    rise = np.log((now + _SHRINKAGE) / (expected + _SHRINKAGE))
    return np.where(is_rising, rise, 0.0).astype(np.float32)
