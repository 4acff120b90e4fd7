"""The one scoring path: evaluation and serving rank through these functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.artifact import Artifact


@dataclass(frozen=True)
class Reason:
    """Why an item was chosen.

    ``code`` is one of ``because_you_interacted``, ``shares_features``, ``taste_match`` (all three
    with the history's item that spoke most for it), ``popular_now`` (no seed), ``similar_item``.
    """

    code: str
    seed_row: int | None


@dataclass(frozen=True)
class Ranked:
    """Items best first: parallel rows int32[k], scores float32[k], sources and reasons.

    ``sources``: the part that contributed most: ``popular``, ``item_item``, ``content``, ``taste``.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    sources: tuple[str, ...]
    reasons: tuple[Reason, ...]


def rank_for_user(
    artifact: Artifact,
    *,
    history: Sequence[tuple[int, float, float]],
    allowed: NDArray[np.bool_],
    limit: int,
) -> Ranked:
    """Rank for a shopper with a history of (item row, event weight, age in days)."""
    raise NotImplementedError


def rank_similar(
    artifact: Artifact, *, item_row: int, allowed: NDArray[np.bool_], limit: int
) -> Ranked:
    """Rank the items most like one item."""
    raise NotImplementedError


def rank_popular(artifact: Artifact, *, allowed: NDArray[np.bool_], limit: int) -> Ranked:
    """Rank by popularity in the recipe's window."""
    raise NotImplementedError
