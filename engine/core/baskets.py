"""What was bought together: by order, else in a session, else by a shopper on a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.recency import DAY_SECONDS

_NOBODY = 0
# A shopper's number and a day fit below this; the numbers of orders and sessions are smaller.
_OF_SHOPPERS, _SHOPPER_SHIFT, _DAYS = 1 << 62, 24, 0xFFFFFF


@dataclass(frozen=True)
class Baskets:
    """Purchases that were kept, a struct of arrays in any order.

    Attributes
    ----------
    basket : int64[n]
        The same number for what was bought together.
    item_index : int32[n]
        Row in ``Dataset.items``; an item may come more than once in a basket.
    """

    basket: NDArray[np.int64]
    item_index: NDArray[np.int32]


def no_baskets() -> Baskets:
    """Return what a store has that has sold nothing."""
    return Baskets(basket=np.zeros(0, np.int64), item_index=np.zeros(0, np.int32))


def baskets_of(
    *,
    named: NDArray[np.int64],
    shopper: NDArray[np.int32],
    seconds: NDArray[np.int64],
    item_index: NDArray[np.int32],
) -> Baskets:
    """Say which purchases belong together.

    Parameters
    ----------
    named : int64[n]
        The order's number, where it has none the session's, of 59 bits and a sign; 0 for neither.
        Whoever bought, known or not.
    shopper : int32[n]
        0 for nobody.
    seconds : int64[n]
        Since 1970 UTC. Without order and session, a shopper's basket is a day's (UTC).
    item_index : int32[n]

    Returns
    -------
    Baskets
        Without the purchases that have neither order, session nor shopper.

    Examples
    --------
    >>> row = np.arange(4, dtype=np.int32)
    >>> found = baskets_of(
    ...     named=np.array([77, 0, 0, 0]), shopper=np.array([5, 5, 5, 0], np.int32),
    ...     seconds=np.array([10, 20, 30, 40]), item_index=row)
    >>> found.item_index.tolist(), found.basket[0] == 77, found.basket[1] == found.basket[2]
    ([0, 1, 2], np.True_, np.True_)
    """
    days = (seconds // DAY_SECONDS) & _DAYS
    of_shopper = _OF_SHOPPERS + (shopper.astype(np.int64) << _SHOPPER_SHIFT | days)
    is_together = (named != 0) | (shopper != _NOBODY)
    basket = np.where(named != 0, named, of_shopper)
    return Baskets(basket=basket[is_together], item_index=item_index[is_together])
