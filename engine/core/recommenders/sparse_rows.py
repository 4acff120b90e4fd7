"""Keeps the strongest entries of item-item matrices, block by block, as neighbour parts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp

from engine.core.parts import NeighbourPart

# Rows handled at once: even 256 full rows of 100,000 items are 300 MB.
BLOCK_ROWS = 256


def strongest_per_row(block: sp.csr_array, count: int) -> sp.csr_array:
    """Keep the ``count`` entries of largest absolute value in each row.

    Examples
    --------
    >>> block = sp.csr_array(np.array([[1.0, -3.0, 2.0]], np.float32))
    >>> strongest_per_row(block, 2).toarray()
    array([[ 0., -3.,  2.]], dtype=float32)
    """
    kept = []
    for start, stop in zip(block.indptr[:-1], block.indptr[1:], strict=True):
        places = np.arange(start, stop)
        if len(places) > count:
            size = np.abs(block.data[start:stop])
            places = start + np.sort(np.argpartition(-size, count - 1)[:count])
        kept.append(places)
    chosen = np.concatenate(kept)
    indptr = np.concatenate([[0], np.cumsum([len(places) for places in kept])])
    return sp.csr_array((block.data[chosen], block.indices[chosen], indptr), shape=block.shape)


def neighbour_part(name: str, blocks: Iterable[sp.csr_array]) -> NeighbourPart:
    """Stack row blocks into a part with sorted int32 targets."""
    stacked = sp.csr_array(sp.vstack(list(blocks), format="csr"))
    stacked.sort_indices()
    return NeighbourPart(
        name=name,
        indptr=stacked.indptr.astype(np.int64),
        indices=stacked.indices.astype(np.int32),
        data=stacked.data.astype(np.float32),
    )


def cosine_part(
    name: str, rows: sp.csr_array, *, neighbours: int, shrinkage: float = 0.0
) -> NeighbourPart:
    """Return the nearest rows of each row by damped cosine.

    Parameters
    ----------
    rows : CSR float32[n_items, anything]
    neighbours : int
        Kept per row, the row itself left out.
    shrinkage : float
        ``s_ij = x_i·x_j / (|x_i| |x_j| + shrinkage)``.
    """
    norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1))).astype(np.float32)
    columns = sp.csr_array(rows.T)
    blocks = []
    for start in range(0, rows.shape[0], BLOCK_ROWS):
        block = sp.csr_array(rows[start : start + BLOCK_ROWS] @ columns)
        row_of = start + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        block.data /= norms[row_of] * norms[block.indices] + np.float32(shrinkage)
        block.data[row_of == block.indices] = 0.0
        block.eliminate_zeros()
        blocks.append(strongest_per_row(block, neighbours))
    return neighbour_part(name, blocks)
