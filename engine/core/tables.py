"""The arrays a trained model consists of: the artifact's content and all that ranking reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class UserRows:
    """Item rows of each user as CSR: user ``i`` owns ``rows[indptr[i]:indptr[i + 1]]``."""

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]


@dataclass(frozen=True)
class UserHistories:
    """The last 50 distinct items of each user as CSR, oldest first.

    ``weights`` float32 are sums of event weights (before log and decay), ``seconds`` int64 the
    latest event's time.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    seconds: NDArray[np.int64]


@dataclass(frozen=True)
class ModelTables:
    """A model in memory; `Artifact` is the same on disk."""

    item_ids: Sequence[str]
    user_keys: Sequence[str]
