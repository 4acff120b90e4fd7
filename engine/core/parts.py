"""Parts of a blend: what a fitted recommender leaves behind, each scoring the whole catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# A spread below this is rounding, not a preference: the part stays silent.
_LEAST_VARIANCE = 1e-12
_FLOAT_STEP = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class HistoryBatch:
    """Histories of b users as CSR: item rows int32 and positive weights float32."""

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def of(self, user: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return rows and weights of one user of the batch."""
        span = slice(self.indptr[user], self.indptr[user + 1])
        return self.rows[span], self.weights[span]

    def between(self, start: int, stop: int) -> HistoryBatch:
        """Return the users ``start..stop-1`` as a batch of their own."""
        span = slice(self.indptr[start], self.indptr[stop])
        indptr = self.indptr[start : stop + 1] - self.indptr[start]
        return HistoryBatch(indptr=indptr, rows=self.rows[span], weights=self.weights[span])


@dataclass(frozen=True, slots=True)
class Voice:
    """What a part says of the catalogue to one history.

    Attributes
    ----------
    near : float32[n_items]
        The z-scores, quickly.
    error : float
        How far ``near`` may be from what is exact.
    exact : function of int32[k]
        The z-scores of items in float64[k], the same for the same item whoever it stands beside.
    """

    near: NDArray[np.float32]
    error: float
    exact: Callable[[NDArray[np.int32]], NDArray[np.float64]]


class Listener(Protocol):
    """What scores a catalogue by histories. Frozen; ``name`` keys its weight."""

    @property
    def name(self) -> str:
        """One of `engine.core.recipe.PARTS`."""

    def z_scores(self, batch: HistoryBatch) -> NDArray[np.float32]:
        """Return float32[b, n_items] (or [1, n_items], the same for all users).

        Per user of mean 0 and variance 1 over the whole catalogue; zeros where the part has
        nothing to tell apart.
        """

    def seed_contributions(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32], item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32] | None:
        """Return float32[len(rows), k]: what each history item adds to k items' raw scores.

        None when the part doesn't look at histories.
        """


class Part(Listener, Protocol):
    """One part of a blend."""

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""

    def voice(self, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> Voice:
        """Return what the part says to one history."""


@dataclass(frozen=True)
class StaticPart:
    """The same z-scores for everyone: popularity."""

    name: str
    scores: NDArray[np.float32]

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.scores)

    def voice(self, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> Voice:
        """Return the same for every history."""
        del rows, weights
        return Voice(
            near=self.scores,
            error=0.0,
            exact=lambda wanted: self.scores[wanted].astype(np.float64),
        )

    def z_scores(self, batch: HistoryBatch) -> NDArray[np.float32]:
        """Return float32[1, n_items], whoever is in the batch."""
        del batch
        return np.asarray(self.scores)[None, :]

    def seed_contributions(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32], item_rows: NDArray[np.int32]
    ) -> None:
        """Return None: popularity looks at nobody's history."""
        del rows, weights, item_rows


@dataclass(frozen=True)
class VectorPart:
    """Dense item vectors; a user is the weighted mean of the vectors in the history.

    Attributes
    ----------
    vectors : float32[n_items, k]
    mean : float64[k]
        Of the vectors over the catalogue.
    covariance : float64[k, k]
        Of the vectors over the catalogue, divided by n_items.
    feature_vectors : float32[n_features, k]
        A unit tf-idf feature row times this is the vector of an item without events.
    codes : int8[n_items, k] or None
        The vectors in 127 steps of each column's `reach`, for a first pass over a large catalogue.

    Notes
    -----
    The z-score needs no second pass over the items: for scores ``V u`` the mean is ``u·mean(V)``
    and the variance ``uᵀ Cov(V) u``.
    """

    name: str
    vectors: NDArray[np.float32]
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    feature_vectors: NDArray[np.float32]
    codes: NDArray[np.int8] | None = None

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.vectors)

    @cached_property
    def reach(self) -> NDArray[np.float32]:
        """float32[k]: the largest absolute value of each column."""
        return np.asarray(np.maximum(self.vectors.max(axis=0), -self.vectors.min(axis=0)))

    def voice(self, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> Voice:
        """Return the z-scores as products with one query."""
        query, offset = self._query(self.user_vector(rows, weights))
        bound = float(np.abs(query) @ self.reach) + abs(offset)
        return Voice(
            near=self.vectors @ query.astype(np.float32) + np.float32(offset),
            error=(len(query) + 4) * _FLOAT_STEP * bound,
            exact=lambda wanted: (self.vectors[wanted] * query).sum(axis=1) + offset,
        )

    def z_scores_of(
        self,
        vectors: NDArray[np.float32],
        rows: NDArray[np.int32],
        weights: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Return float32[n]: what the part would say to one history of items with n vectors."""
        query, offset = self._query(self.user_vector(rows, weights))
        return np.asarray(vectors @ query.astype(np.float32) + np.float32(offset))

    def _query(self, user: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Return float64[k] and a number: an item's z-score is its product with one plus the other.

        Zeros where the user has nothing to tell apart.
        """
        variance = float(user @ self.covariance @ user)
        if variance <= _LEAST_VARIANCE:
            return np.zeros_like(user), 0.0
        query = user / np.sqrt(variance)
        return query, -float(query @ self.mean)

    def user_vector(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return float64[k]: the weighted mean of item vectors, zeros for an empty history."""
        if not len(rows):
            return np.zeros(self.vectors.shape[1])
        total = weights.astype(np.float64) @ self.vectors[rows]
        return np.asarray(total / weights.sum(dtype=np.float64))

    def z_scores(self, batch: HistoryBatch) -> NDArray[np.float32]:
        """Return float32[b, n_items] by one matrix product."""
        users = np.stack([self.user_vector(*batch.of(user)) for user in range(len(batch))])
        variance = np.einsum("bk,kl,bl->b", users, self.covariance, users)
        speaks = variance > _LEAST_VARIANCE
        scale = np.where(speaks, 1 / np.sqrt(np.where(speaks, variance, 1.0)), 0.0)
        scaled = users * scale[:, None]
        offset = (scaled @ self.mean).astype(np.float32)
        narrow = scaled.astype(np.float32)
        if len(narrow) == 1:
            # Half the time of a matrix with one row.
            scores = (self.vectors @ narrow[0])[None, :]
        else:
            scores = narrow @ self.vectors.T
        scores -= offset[:, None]
        return np.asarray(scores)

    def seed_contributions(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32], item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Return each history item's share of ``u · v``."""
        return np.asarray(weights[:, None] * (self.vectors[rows] @ self.vectors[item_rows].T))


def vector_part(
    *, name: str, vectors: NDArray[np.float32], feature_vectors: NDArray[np.float32]
) -> VectorPart:
    """Complete vectors with the mean and covariance that z-scores need."""
    wide = vectors.astype(np.float64)
    mean = wide.mean(axis=0)
    covariance = wide.T @ wide / len(wide) - np.outer(mean, mean)
    return VectorPart(
        name=name,
        vectors=vectors,
        mean=mean,
        covariance=covariance,
        feature_vectors=feature_vectors,
    )


@dataclass(frozen=True)
class NeighbourPart:
    """Signed item-item weights as CSR; a user's score is the weighted sum of history rows.

    Attributes
    ----------
    indptr : int64[n_items + 1]
    indices : int32[nnz]
        Target item rows, ascending within a row.
    data : float32[nnz]
        Any sign: 41 % of EASE's mass on Online Retail is negative.
    """

    name: str
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.indptr) - 1

    def voice(self, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> Voice:
        """Return the z-scores of what the history's neighbours add up to."""
        exact = self._z_scores_of(rows, weights)
        error = _FLOAT_STEP * float(np.abs(exact).max(initial=0.0))
        return Voice(near=exact.astype(np.float32), error=error, exact=exact.__getitem__)

    def neighbours(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the targets and weights of one history item."""
        span = slice(self.indptr[row], self.indptr[row + 1])
        return self.indices[span], self.data[span]

    def z_scores(self, batch: HistoryBatch) -> NDArray[np.float32]:
        """Return float32[b, n_items], exact for weights of any sign."""
        users = range(len(batch))
        return np.stack([self._z_scores_of(*batch.of(user)).astype(np.float32) for user in users])

    def _z_scores_of(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        raw = self.raw_scores(rows, weights)
        raw -= raw.mean()
        # Not a BLAS dot product: its threads cost more than they save on one row.
        variance = np.square(raw).sum() / len(raw)
        if variance <= _LEAST_VARIANCE * np.abs(raw).max() ** 2:
            return np.zeros_like(raw)
        return np.asarray(raw / np.sqrt(variance))

    def seed_contributions(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32], item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Return ``w[h] * S[h, i]`` for each history item h and item i."""
        places, owners = self._entries(rows)
        order = np.argsort(item_rows)
        targets = self.indices[places]
        found = np.searchsorted(item_rows[order], targets) % len(item_rows)
        is_wanted = item_rows[order[found]] == targets
        contributions = np.zeros((len(rows), len(item_rows)), dtype=np.float32)
        chosen = owners[is_wanted]
        contributions[chosen, order[found[is_wanted]]] = (
            weights[chosen] * self.data[places[is_wanted]]
        )
        return contributions

    def raw_scores(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return float64[n_items]: what the rows add up to, before it is a z-score."""
        places, owners = self._entries(rows)
        values = self.data[places] * weights[owners]
        n_items = len(self.indptr) - 1
        return np.bincount(self.indices[places], values, minlength=n_items).astype(np.float64)

    def _entries(self, rows: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the rows' entries lie, and each entry's position in ``rows``."""
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        owners = np.repeat(np.arange(len(rows)), lengths)
        before = np.cumsum(lengths) - lengths
        return np.arange(len(owners)) + (starts - before)[owners], owners
