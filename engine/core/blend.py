"""The blend: a weighted sum of per-user z-scores, the engine's one formula for a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import CompiledBlend
from engine.core.parts import HistoryBatch, Part
from engine.core.recipe import RecommendationType


@dataclass(frozen=True)
class Blend:
    """Fitted parts and their weights: ``score[u, i] = Σ_p weights[p] * z_p[u, i]``.

    A part without a positive weight is silent. ``weights`` are the home page's, ``type_weights``
    those of the recommendation types that have their own.
    """

    parts: tuple[Part, ...]
    weights: Mapping[str, float]
    type_weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def for_type(self, name: RecommendationType) -> Blend:
        """Return the blend that speaks with the type's own weights, with the home's without any."""
        return replace(self, weights=self.type_weights.get(name, self.weights))

    @cached_property
    def speaking(self) -> tuple[Part, ...]:
        """The parts that take part in the score."""
        return tuple(part for part in self.parts if self.weights.get(part.name, 0.0) > 0)

    @cached_property
    def compiled(self) -> CompiledBlend:
        """The blend as the compiled kernel reads it."""
        weights = [self.weights[part.name] for part in self.speaking]
        return CompiledBlend(self.speaking, weights, n_items=self.parts[0].n_items)

    def z_scores(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """Return each speaking part's weighted z-scores, float32[b or 1, n_items]."""
        return [
            np.float32(self.weights[part.name]) * part.z_scores(batch) for part in self.speaking
        ]

    def scores(self, batch: HistoryBatch) -> NDArray[np.float32]:
        """Return float32[b, n_items]."""
        return total_scores(self.z_scores(batch), len(batch))


def total_scores(weighted: list[NDArray[np.float32]], users: int) -> NDArray[np.float32]:
    """Sum the parts' weighted z-scores in their order: float32[users, n_items]."""
    total = np.zeros((users, weighted[0].shape[1]), dtype=np.float32)
    for scores in weighted:
        total += scores
    return total
