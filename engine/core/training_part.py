"""What recommenders may learn from: one side of the split, aggregated per user and item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.core.dataset import CatalogueItem, Dataset, Interactions
from engine.core.features import FeatureTable, item_features
from engine.core.recency import DAY_SECONDS, decay, robust_newest_seconds

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True)
class Pairs:
    """Each (user, item) once, sorted by user, then item.

    ``weight`` float32 is the sum of event weights (may be ≤ 0), ``seconds`` int64 the latest
    event, ``is_purchase`` bool whether any event was one.
    """

    user_index: NDArray[np.int32]
    item_index: NDArray[np.int32]
    weight: NDArray[np.float32]
    seconds: NDArray[np.int64]
    is_purchase: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.user_index)

    def take(self, selection: NDArray[np.bool_] | NDArray[np.int64]) -> Pairs:
        """Return the selected rows, in the selection's order."""
        return Pairs(
            user_index=self.user_index[selection],
            item_index=self.item_index[selection],
            weight=self.weight[selection],
            seconds=self.seconds[selection],
            is_purchase=self.is_purchase[selection],
        )


@dataclass(frozen=True)
class TrainingPart:
    """The events of one training, with all that is derived from them and from nothing else.

    Attributes
    ----------
    interactions : Interactions
        The raw lines.
    pairs : Pairs
        Positive pairs: what users like.
    all_pairs : Pairs
        Every pair, disliked and taken-back ones included: what users have already met.
    is_active : bool[n_items]
        Items with at least one positive pair.
    features : FeatureTable
        Vocabulary from active items, rows for all items.
    newest_seconds : int
        Robust newest event time.
    """

    items: Sequence[CatalogueItem]
    n_users: int
    interactions: Interactions
    pairs: Pairs
    all_pairs: Pairs
    is_active: NDArray[np.bool_]
    features: FeatureTable
    newest_seconds: int

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.items)

    def matrix(self, half_life_days: float | None) -> sp.csr_array:
        """Return float32[n_users, n_items]: positive pairs as 1, halved each half-life of age."""
        ages = np.maximum(0, self.newest_seconds - self.pairs.seconds) / DAY_SECONDS
        values = decay(ages, half_life_days).astype(np.float32)
        return sp.csr_array(
            (values, (self.pairs.user_index, self.pairs.item_index)),
            shape=(self.n_users, self.n_items),
        )


def training_part(dataset: Dataset, interactions: Interactions) -> TrainingPart:
    """Derive a training part from some of a dataset's interactions (at least one)."""
    all_pairs = aggregate_pairs(interactions, n_items=len(dataset.items))
    pairs = all_pairs.take(all_pairs.weight > 0)
    is_active = np.zeros(len(dataset.items), dtype=np.bool_)
    is_active[pairs.item_index] = True
    return TrainingPart(
        items=dataset.items,
        n_users=len(dataset.user_keys),
        interactions=interactions,
        pairs=pairs,
        all_pairs=all_pairs,
        is_active=is_active,
        features=item_features(dataset.items, is_active=is_active),
        newest_seconds=robust_newest_seconds(interactions.seconds),
    )


def aggregate_pairs(interactions: Interactions, *, n_items: int) -> Pairs:
    """Sum event lines per (user, item).

    Examples
    --------
    >>> lines = Interactions(
    ...     user_index=np.array([0, 0, 0], np.int32), item_index=np.array([2, 1, 2], np.int32),
    ...     weight=np.array([1, 1, 5], np.float32), seconds=np.array([30, 20, 10]),
    ...     is_purchase=np.array([False, False, True]))
    >>> pairs = aggregate_pairs(lines, n_items=3)
    >>> pairs.item_index, pairs.weight, pairs.seconds, pairs.is_purchase
    (array([1, 2], dtype=int32), array([1., 6.], dtype=float32), array([20, 30]), array([False,  True]))
    """  # noqa: E501 - a doctest's output is one line
    key = interactions.user_index.astype(np.int64) * n_items + interactions.item_index
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else key
    first = order[starts]
    return Pairs(
        user_index=interactions.user_index[first],
        item_index=interactions.item_index[first],
        weight=_reduce(np.add, interactions.weight[order], starts),
        seconds=_reduce(np.maximum, interactions.seconds[order], starts),
        is_purchase=_reduce(np.logical_or, interactions.is_purchase[order], starts),
    )


def _reduce(ufunc: np.ufunc, values: NDArray[_T], starts: NDArray[np.int64]) -> NDArray[_T]:
    reduced: NDArray[_T] = ufunc.reduceat(values, starts) if len(starts) else values[:0]
    return reduced
