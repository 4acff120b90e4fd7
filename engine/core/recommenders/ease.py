"""EASE^R: a linear item-item model in closed form, for catalogues that fit in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.core.parts import NeighbourPart
from engine.core.recipe import EaseSettings
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.sparse_rows import (
    BLOCK_ROWS,
    neighbour_part,
    spread_over,
    strongest_per_row,
)
from engine.core.training_part import TrainingPart

# A float32 matrix of this many items squared is 400 MB; above, GF-CF stands in.
MOST_ITEMS = 10_000


@dataclass(frozen=True)
class Ease:
    """Embarrassingly shallow autoencoder (Steck, WWW 2019, arXiv:1905.03375).

    Notes
    -----
    With ``P = (XᵀX + λI)⁻¹`` the weights are ``B_ij = -P_ij / P_jj``, ``B_jj = 0``. Items without
    events have empty rows.
    """

    settings: EaseSettings

    def fit(self, part: TrainingPart, context: FitContext) -> NeighbourPart:
        """Return the strongest signed weights of every item.

        Raises
        ------
        MemoryError
            When more than ``MOST_ITEMS`` have events.
        """
        del context
        members = np.flatnonzero(part.is_active)
        if len(members) > MOST_ITEMS:
            raise MemoryError(f"EASE^R over {len(members)} items; it is kept to {MOST_ITEMS}.")
        matrix = sp.csc_array(part.matrix(self.settings.half_life_days))[:, members]
        inverse = _inverse_gram(matrix, self.settings.regularisation)
        diagonal = inverse.diagonal().copy()
        blocks = []
        for start in range(0, len(members), BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, len(members))
            # LAPACK fills one triangle alone.
            block = np.hstack([inverse[:start, start:stop].T, inverse[start:stop, start:]])
            square = block[:, start:stop]
            square += np.triu(square, 1).T - np.tril(square, -1)
            block /= -diagonal
            np.fill_diagonal(block[:, start:], 0.0)
            blocks.append(strongest_per_row(sp.csr_array(block), self.settings.neighbours))
        return spread_over(neighbour_part("ease", blocks), members, n_items=part.n_items)


def _inverse_gram(matrix: sp.csc_array, regularisation: float) -> NDArray[np.float32]:
    """Return the upper triangle of ``(XᵀX + λI)⁻¹``, computed in one matrix's memory."""
    # LAPACK works in place on column order alone.
    gram = np.asarray((matrix.T @ matrix).toarray(order="F"), dtype=np.float32, order="F")
    gram[np.diag_indices_from(gram)] += regularisation
    factor, _ = scipy.linalg.lapack.spotrf(gram, lower=0, clean=1, overwrite_a=1)
    inverse, _ = scipy.linalg.lapack.spotri(factor, lower=0, overwrite_c=1)
    return np.asarray(inverse)
