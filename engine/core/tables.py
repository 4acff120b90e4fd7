"""The arrays a trained model consists of: the artifact's content and all that ranking reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import Blend
from engine.core.co_purchases import CoPurchases
from engine.core.features import FeatureSpace
from engine.core.histories import UserHistories, UserRows


class Rankable(Protocol):
    """What ranking reads: `ModelTables` in memory, `Artifact` on disk."""

    @property
    def blend(self) -> Blend:
        """Parts and weights."""

    @property
    def popularity(self) -> NDArray[np.float32]:
        """float32[n_items], zero for items nobody turned to."""

    @property
    def bought_together(self) -> CoPurchases:
        """Which products are bought with which."""

    @property
    def newest_seconds(self) -> int:
        """Robust newest event time; ages count back from it."""

    @property
    def history_half_life_days(self) -> float | None:
        """Of the weights in a user's history."""


@dataclass(frozen=True)
class ModelTables:
    """A model in memory; `Artifact` is the same on disk.

    Attributes
    ----------
    item_ids : sequence of str
        By item row.
    user_keys : sequence of str
        Users with a profile, by user row of ``histories`` and ``purchased``.
    blend : Blend
    popularity : float32[n_items]
        Windowed counts, ties by all of history.
    bought_together : CoPurchases
    history_half_life_days : float or None
    newest_seconds : int
        Robust newest event time; ages and windows count back from it.
    histories : UserHistories
    purchased : UserRows
        All purchased items: 39 % of Online Retail's users own more than 50.
    feature_space : FeatureSpace
        Describes items that come after the training.
    """

    item_ids: Sequence[str]
    user_keys: Sequence[str]
    blend: Blend
    popularity: NDArray[np.float32]
    bought_together: CoPurchases
    history_half_life_days: float | None
    newest_seconds: int
    histories: UserHistories
    purchased: UserRows
    feature_space: FeatureSpace
