"""Scores and lists as tests ask for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.core.ranking import score_for_user
from engine.core.scored import Ranked, Scored
from engine.core.tables import Rankable


def personal(artifact: Rankable, *, history: Sequence[tuple[int, float, float]]) -> Scored:
    """Score for a history of items with their weights and ages in days."""
    rows, weights, ages = zip(*history, strict=True) if history else ((), (), ())
    return score_for_user(
        artifact,
        rows=np.array(rows, dtype=np.int32),
        weights=np.array(weights, dtype=np.float32),
        age_days=np.array(ages, dtype=np.float64),
    )


def listed(scored: Scored, *, allowed: NDArray[np.bool_], limit: int) -> Ranked:
    """Return the best of what is allowed, explained."""
    return scored.explained(scored.best(allowed=allowed, limit=limit))
