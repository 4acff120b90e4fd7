"""Content neighbours: items described alike, the way in for items without events."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.parts import NeighbourPart
from engine.core.recipe import ContentSettings
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.sparse_rows import cosine_part
from engine.core.training_part import TrainingPart


@dataclass(frozen=True)
class Content:
    """Cosine of tf-idf feature rows, the nearest kept."""

    settings: ContentSettings

    def fit(self, part: TrainingPart, context: FitContext) -> NeighbourPart:
        """Return the neighbours of every item, those without events included."""
        del context
        return cosine_part("content", part.features.matrix, neighbours=self.settings.neighbours)
