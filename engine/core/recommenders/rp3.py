"""RP3-beta: items that a random walk over users leads to, the most popular damped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.core.parts import NeighbourPart
from engine.core.recipe import Rp3Settings
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.sparse_rows import product_part
from engine.core.training_part import TrainingPart


@dataclass(frozen=True)
class Rp3:
    """Three steps item, user, item (Paudel et al., ACM TiiS 2017), the likeliest kept.

    Notes
    -----
    ``s_ij = Σ_u P(u | i) P(j | u) / popularity_j ** beta``.
    """

    settings: Rp3Settings

    def fit(self, part: TrainingPart, context: FitContext) -> NeighbourPart:
        """Return where the walk leads to from every item; items without events lead nowhere."""
        del context
        matrix = part.matrix(self.settings.half_life_days)
        popularity = np.asarray(matrix.sum(axis=0), dtype=np.float32)
        to_users = _rows_scaled(sp.csr_array(matrix.T), _inverse(popularity))
        to_items = _rows_scaled(matrix, _inverse(np.asarray(matrix.sum(axis=1), dtype=np.float32)))
        damping = _inverse(popularity**self.settings.beta)
        to_items.data *= damping[to_items.indices]
        return product_part("rp3", to_users, to_items, neighbours=self.settings.neighbours)


def _inverse(values: NDArray[np.float32]) -> NDArray[np.float32]:
    safe = np.where(values > 0, values, 1)
    return np.asarray(np.where(values > 0, 1 / safe, 0), dtype=np.float32)


def _rows_scaled(matrix: sp.csr_array, scale: NDArray[np.float32]) -> sp.csr_array:
    scaled = matrix.copy()
    scaled.data *= np.repeat(scale, np.diff(matrix.indptr))
    return scaled
