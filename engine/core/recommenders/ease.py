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
from engine.core.recommenders.sparse_rows import BLOCK_ROWS, neighbour_part, strongest_per_row
from engine.core.training_part import TrainingPart

# Four float32 matrices of this many items squared are 576 MB, and the inverse takes 5 s.
MOST_ITEMS = 6_000


@dataclass(frozen=True)
class Ease:
    """Embarrassingly shallow autoencoder (Steck, WWW 2019, arXiv:1905.03375).

    Notes
    -----
    With ``P = (XᵀX + λI)⁻¹`` the weights are ``B_ij = -P_ij / P_jj``, ``B_jj = 0``. Beyond
    ``MOST_ITEMS`` the items with most users take part; the others have empty rows.
    """

    settings: EaseSettings

    def fit(self, part: TrainingPart, context: FitContext) -> NeighbourPart:
        """Return the strongest signed weights of every item."""
        del context
        members = _most_used_items(part)
        matrix = sp.csc_array(part.matrix(self.settings.half_life_days))[:, members]
        weights = _ease_weights(matrix, self.settings.regularisation)
        place = np.full(part.n_items, -1)
        place[members] = np.arange(len(members))
        blocks = []
        for start in range(0, part.n_items, BLOCK_ROWS):
            places = place[start : start + BLOCK_ROWS]
            block = np.zeros((len(places), len(members)), dtype=np.float32)
            block[places >= 0] = weights[places[places >= 0]]
            kept = strongest_per_row(sp.csr_array(block), self.settings.neighbours)
            blocks.append(
                sp.csr_array(
                    (kept.data, members[kept.indices], kept.indptr),
                    shape=(len(places), part.n_items),
                )
            )
        return neighbour_part("ease", blocks)


def _most_used_items(part: TrainingPart) -> NDArray[np.int64]:
    users = np.bincount(part.pairs.item_index, minlength=part.n_items)
    by_users = np.lexsort((np.arange(part.n_items), -users))
    members = by_users[: min(MOST_ITEMS, int(np.count_nonzero(users)))]
    return np.sort(members)


def _ease_weights(matrix: sp.csc_array, regularisation: float) -> NDArray[np.float32]:
    gram = np.asarray((matrix.T @ matrix).toarray(), dtype=np.float32)
    gram[np.diag_indices_from(gram)] += regularisation
    factor, _ = scipy.linalg.lapack.spotrf(gram, lower=0, clean=1, overwrite_a=1)
    inverse, _ = scipy.linalg.lapack.spotri(factor, lower=0, overwrite_c=1)
    # LAPACK fills the upper triangle alone.
    inverse += np.triu(inverse, 1).T
    weights = -inverse / inverse.diagonal()
    weights[np.diag_indices_from(weights)] = 0.0
    return np.asarray(weights, dtype=np.float32)
