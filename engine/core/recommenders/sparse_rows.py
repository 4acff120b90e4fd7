"""Keeps the strongest entries of item-item matrices, block by block, as neighbour parts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.core.parts import NeighbourPart

# Rows handled at once: even 256 full rows of 100,000 items are 300 MB.
BLOCK_ROWS = 256
# Columns that tell about where in a row of many the strongest begin.
_SAMPLED_COLUMNS = 2048


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


def strongest_of_dense(block: NDArray[np.float32], count: int) -> sp.csr_array:
    """Keep the ``count`` entries of largest absolute value in each row of a dense block.

    A sample of the columns says where a row's strongest begin, so that most of a long row is
    compared once and never sorted; a row of which too little is left is sorted whole.
    """
    columns = block.shape[1]
    if columns <= 2 * _SAMPLED_COLUMNS:
        return strongest_per_row(sp.csr_array(block), count)
    size = np.abs(block)
    sample = size[:, :: columns // _SAMPLED_COLUMNS]
    # Twice as many as wanted are expected beyond the threshold.
    rank = max(1, min(sample.shape[1], 2 * count * sample.shape[1] // columns))
    threshold = np.partition(sample, sample.shape[1] - rank, axis=1)[:, sample.shape[1] - rank]
    threshold[(size >= threshold[:, None]).sum(axis=1) < count] = 0.0
    rows, places = np.nonzero((size >= threshold[:, None]) & (size > 0))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(block)))])
    likely = sp.csr_array((block[rows, places], places, indptr), shape=block.shape)
    return strongest_per_row(likely, count)


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


def spread_over(part: NeighbourPart, members: NDArray[np.int64], *, n_items: int) -> NeighbourPart:
    """Return a part over some items (its rows and targets count them) as one over the catalogue."""
    lengths = np.zeros(n_items, dtype=np.int64)
    lengths[members] = np.diff(part.indptr)
    return NeighbourPart(
        name=part.name,
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        indices=members[part.indices].astype(np.int32),
        data=part.data,
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
        row_of = _row_of(block)
        block.data /= norms[start + row_of] * norms[block.indices] + np.float32(shrinkage)
        blocks.append(strongest_per_row(_without_itself(block, start), neighbours))
    return neighbour_part(name, blocks)


def product_part(
    name: str, left: sp.csr_array, right: sp.csr_array, *, neighbours: int
) -> NeighbourPart:
    """Return the strongest entries of each row of ``left @ right``, the diagonal left out.

    Parameters
    ----------
    left : CSR float32[n_items, anything]
    right : CSR float32[anything, n_items]
    neighbours : int
        Kept per row.
    """
    blocks = []
    for start in range(0, left.shape[0], BLOCK_ROWS):
        block = sp.csr_array(left[start : start + BLOCK_ROWS] @ right)
        blocks.append(strongest_per_row(_without_itself(block, start), neighbours))
    return neighbour_part(name, blocks)


def _without_itself(block: sp.csr_array, start: int) -> sp.csr_array:
    block.data[start + _row_of(block) == block.indices] = 0.0
    block.eliminate_zeros()
    return block


def _row_of(block: sp.csr_array) -> NDArray[np.int64]:
    return np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
