"""Model versions on disk: immutable folders of .npy arrays beside a manifest, opened by mmap."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.trainer import TrainedModel

Manifest = dict[str, Any]


class Artifact:
    """An opened model version; its arrays are read-only maps of the files.

    Attributes
    ----------
    version : str
    environment_id : int
    change_seq : int
        The catalogue's change_seq that the training read.
    trained_at : datetime
    newest_seconds : int
        The robust newest event time; windows and ages count back from it.
    manifest : dict
    n_items, n_users : int
    popularity : float32[n_items]
    """

    version: str
    environment_id: int
    change_seq: int
    trained_at: datetime
    newest_seconds: int
    manifest: Manifest
    n_items: int
    n_users: int
    popularity: NDArray[np.float32]

    def item_row(self, item_id: str) -> int | None:
        """Return the item's row, None when the artifact doesn't know it."""
        raise NotImplementedError

    def item_id(self, row: int) -> str:
        """Return the id of an item's row."""
        raise NotImplementedError

    def history(self, user_key: str) -> list[tuple[int, float, int]]:
        """Return the user's last ≤ 50 items as (row, weight, seconds), [] when unknown."""
        raise NotImplementedError

    def purchased(self, user_key: str) -> NDArray[np.int32]:
        """Return the rows of all items the user has bought, empty when unknown."""
        raise NotImplementedError


def write_artifact(
    *,
    folder: Path,
    model: TrainedModel,
    environment_id: int,
    version: str,
    change_seq: int,
    created_at: datetime,
) -> Manifest:
    """Write the model to ``folder`` (``…/<environment_id>/<version>``) whole or not at all."""
    raise NotImplementedError


def open_artifact(folder: Path, *, verify: bool) -> Artifact:
    """Map an artifact's arrays; ``verify`` hashes every file first."""
    raise NotImplementedError
