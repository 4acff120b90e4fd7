"""Items as vectors in closed form: those without events get theirs from their features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.core.parts import VectorPart, vector_part
from engine.core.recipe import FactorsSettings
from engine.core.recommenders.graph_factors import graph_factors
from engine.core.recommenders.protocol import FitContext
from engine.core.training_part import TrainingPart


@dataclass(frozen=True)
class Factors:
    """Singular vectors of the user-item graph, and a ridge regression of them on features.

    On cold items it is ahead of LightFM's features on both data sets where this was measured,
    for a hundredth of the time, and a blend with content neighbours is ahead of either.
    """

    settings: FactorsSettings

    def fit(self, part: TrainingPart, context: FitContext) -> VectorPart:
        """Return vectors for every item; those no event touched come from features alone."""
        factors = graph_factors(part, dimensions=self.settings.dimensions, context=context)
        # What many users tell of an item is surer.
        weights = np.sqrt(factors.degrees)
        of_features = _ridge(
            part.features.matrix[factors.members], factors.vectors, weights, self.settings.ridge
        )
        vectors = np.asarray(part.features.matrix @ of_features, dtype=np.float32)
        vectors[factors.members] = factors.vectors
        return vector_part(name="factors", vectors=vectors, feature_vectors=of_features)


def _ridge(
    features: sp.csr_array, vectors: NDArray[np.float32], weights: NDArray[np.float32], ridge: float
) -> NDArray[np.float32]:
    """Return float32[n_features, k] of least weighted squared error, shrunk by ``ridge``."""
    if not features.shape[1]:
        return np.zeros((0, vectors.shape[1]), dtype=np.float32)
    weighted = features.multiply(weights[:, None]).tocsr()
    gram = np.asarray((weighted.T @ features).toarray(), dtype=np.float64)
    gram[np.diag_indices_from(gram)] += ridge * weights.mean()
    solved = scipy.linalg.solve(gram, weighted.T @ vectors, assume_a="pos", overwrite_a=True)
    return np.asarray(solved, dtype=np.float32)
