"""The leading singular vectors of the normalised user-item graph, which two recommenders share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.core.recommenders.protocol import FitContext
from engine.core.training_part import TrainingPart

_OVERSAMPLING = 16
_POWER_ITERATIONS = 3


@dataclass(frozen=True)
class GraphFactors:
    """What the graph of users and active items looks like from far.

    Attributes
    ----------
    members : int64[m]
        Rows of the active items.
    normalised : CSR float32[n_users, m]
        Pairs over the square roots of both degrees.
    degrees : float32[m]
        Users of each item.
    vectors : float32[m, k]
        Right singular vectors, the strongest first; k may be less than asked for.
    """

    members: NDArray[np.int64]
    normalised: sp.csr_array
    degrees: NDArray[np.float32]
    vectors: NDArray[np.float32]


def graph_factors(
    part: TrainingPart,
    *,
    dimensions: int,
    context: FitContext,
    half_life_days: float | None = None,
) -> GraphFactors:
    """Return factors by randomised subspace iteration (Halko et al., SIAM Review 2011)."""
    members = np.flatnonzero(part.is_active)
    matrix = sp.csr_array(part.matrix(half_life_days)[:, members])
    # Ten half-lives are no less than a thousandth: degrees of nothing have no square roots.
    matrix.data = np.maximum(matrix.data, np.float32(1e-3))
    degrees = np.asarray(matrix.sum(axis=0), dtype=np.float32)
    by_user = np.asarray(matrix.sum(axis=1), dtype=np.float32)
    normalised = matrix.copy()
    normalised.data /= np.sqrt(np.repeat(by_user, np.diff(matrix.indptr)) * degrees[matrix.indices])
    width = min(dimensions + _OVERSAMPLING, len(members))
    rng = np.random.default_rng(context.seed)
    basis = rng.standard_normal((len(members), width), dtype=np.float32)
    columns = sp.csr_array(normalised.T)
    for _ in range(_POWER_ITERATIONS + 1):
        basis = _orthonormal(columns @ (normalised @ basis))
    compressed = normalised @ basis
    _, turned = np.linalg.eigh(compressed.T @ compressed)
    vectors = basis @ turned[:, ::-1][:, :dimensions]
    return GraphFactors(
        members=members,
        normalised=normalised,
        degrees=degrees,
        vectors=np.asarray(vectors, dtype=np.float32),
    )


def _orthonormal(basis: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the columns' span by its Gram matrix: the spectrum is flat enough, QR far slower."""
    values, turned = np.linalg.eigh((basis.T @ basis).astype(np.float64))
    scale = 1 / np.sqrt(np.maximum(values, values[-1] * 1e-6))
    return np.asarray(basis @ (turned * scale).astype(np.float32), dtype=np.float32)
