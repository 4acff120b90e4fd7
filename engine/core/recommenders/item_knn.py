"""Item-item nearest neighbours: items that the same users turned to."""

from __future__ import annotations

from dataclasses import dataclass

import scipy.sparse as sp

from engine.core.parts import NeighbourPart
from engine.core.recipe import ItemKnnSettings
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.sparse_rows import cosine_part
from engine.core.training_part import TrainingPart


@dataclass(frozen=True)
class ItemKnn:
    """Damped cosine of item columns (Sarwar et al., WWW 2001), the nearest kept."""

    settings: ItemKnnSettings

    def fit(self, part: TrainingPart, context: FitContext) -> NeighbourPart:
        """Return the neighbours of every item; rows of items without events are empty."""
        del context
        return cosine_part(
            "item_knn",
            sp.csr_array(part.matrix(self.settings.half_life_days).T),
            neighbours=self.settings.neighbours,
            shrinkage=self.settings.shrinkage,
        )
