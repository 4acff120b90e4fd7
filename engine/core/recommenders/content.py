"""Content neighbours: items described alike, the way in for items without events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from engine.core.parts import NeighbourPart
from engine.core.recipe import ContentSettings
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.sparse_rows import cosine_part
from engine.core.training_part import TrainingPart

# Pairs of items that share a feature, each looked at: 3e8 take some ten seconds.
_MOST_PAIRS = 3e8


@dataclass(frozen=True)
class Content:
    """Cosine of tf-idf feature rows, the nearest kept.

    In very large catalogues the commonest features are left out: they say least, and the pairs
    of items that share one grow with the square.
    """

    settings: ContentSettings

    def fit(self, part: TrainingPart, context: FitContext) -> NeighbourPart:
        """Return the neighbours of every item, those without events included."""
        del context
        features = _without_the_commonest(part.features.matrix)
        return cosine_part("content", features, neighbours=self.settings.neighbours)


def _without_the_commonest(features: sp.csr_array) -> sp.csr_array:
    items_of = np.bincount(features.indices, minlength=features.shape[1]).astype(np.float64)
    rarest_first = np.argsort(items_of, kind="stable")
    affordable = np.searchsorted(np.cumsum(items_of[rarest_first] ** 2), _MOST_PAIRS, side="right")
    if affordable == features.shape[1]:
        return features
    return sp.csr_array(features[:, np.sort(rarest_first[:affordable])])
