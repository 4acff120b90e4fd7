"""What training reads: the store's interactions, its catalogue and its users as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.baskets import Baskets, no_baskets

# Views start at 1 and buying counts five of them (a starting point; logs are taken later);
# what takes interest back is negative; an impression says nothing about the shopper.
EVENT_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "impression": 0.0,
        "click": 1.0,
        "view": 1.0,
        "wishlist": 2.0,
        "like": 3.0,
        "cart": 3.0,
        "purchase": 5.0,
        "uncart": -3.0,
        "dislike": -5.0,
        "refund": -5.0,
    }
)

# Shoppers the store can recognise again; other keys (a session, an order) only teach the model.
PROFILE_PREFIXES = ("u:", "a:")


@dataclass(frozen=True)
class Interactions:
    """Event lines that joined a user with an item, a struct of arrays.

    Attributes
    ----------
    user_index : int32[n]
        Row in ``Dataset.user_keys``.
    item_index : int32[n]
        Row in ``Dataset.items``.
    weight : float32[n]
        From ``EVENT_WEIGHTS``, by the event's type.
    seconds : int64[n]
        When it happened, seconds since 1970 UTC.
    is_purchase : bool[n]
        True for purchases that were not refunded.
    """

    user_index: NDArray[np.int32]
    item_index: NDArray[np.int32]
    weight: NDArray[np.float32]
    seconds: NDArray[np.int64]
    is_purchase: NDArray[np.bool_]

    def __post_init__(self) -> None:
        lengths = {len(column) for column in vars(self).values()}
        if len(lengths) != 1:
            raise ValueError(f"Interactions has columns of lengths {sorted(lengths)}; need one.")

    def __len__(self) -> int:
        return len(self.user_index)

    def take(self, selection: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Interactions:
        """Return the selected rows, in the selection's order."""
        return Interactions(
            user_index=self.user_index[selection],
            item_index=self.item_index[selection],
            weight=self.weight[selection],
            seconds=self.seconds[selection],
            is_purchase=self.is_purchase[selection],
        )


@dataclass(frozen=True)
class CatalogueItem:
    """One item as the store described it; its row in ``Dataset.items`` is its ``item_index``."""

    item_id: str
    title: str
    categories: tuple[str, ...] = ()
    brand: str | None = None
    price: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    group_id: str | None = None
    is_available: bool = True


def attribute_texts(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return attributes as features are made of them: one text each, a list's joined by bars.

    Examples
    --------
    >>> attribute_texts({"colour": ["red", "blue"], "pages": 12})
    {'colour': 'red|blue', 'pages': '12'}
    """
    return {
        name: "|".join(str(each) for each in value) if isinstance(value, list) else str(value)
        for name, value in attributes.items()
    }


@dataclass(frozen=True)
class Dataset:
    """Everything a training run may look at.

    Attributes
    ----------
    user_keys : sequence of str
        ``u:<user_id>`` or ``a:<anonymous_id>``; any other prefix teaches but has no profile.
    items : sequence of CatalogueItem
        The whole catalogue, items without events included.
    interactions : Interactions
        Rows of both; events of unknown items are left out by the caller.
    baskets : Baskets
        What was bought together, by whomever; rows of ``items``.

    Raises
    ------
    ValueError
        When an interaction points outside ``user_keys`` or ``items``, or an id comes twice.
    """

    user_keys: Sequence[str]
    items: Sequence[CatalogueItem]
    interactions: Interactions
    baskets: Baskets = field(default_factory=no_baskets)

    def __post_init__(self) -> None:
        _check_rows("user_index", self.interactions.user_index, len(self.user_keys))
        _check_rows("item_index", self.interactions.item_index, len(self.items))
        _check_rows("item_index", self.baskets.item_index, len(self.items))
        _check_distinct("user key", self.user_keys)
        _check_distinct("item id", [item.item_id for item in self.items])


def _check_rows(name: str, rows: NDArray[np.int32], size: int) -> None:
    if len(rows) and not (rows.min() >= 0 and rows.max() < size):
        raise ValueError(f"{name} holds {rows.min()}..{rows.max()}, outside 0..{size - 1}.")


def _check_distinct(name: str, keys: Sequence[str]) -> None:
    if len(set(keys)) != len(keys):
        seen: set[str] = set()
        twice = next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"The {name} {twice!r} comes twice; each needs one row.")
