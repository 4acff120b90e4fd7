"""Scores the catalogue for one history: by the compiled kernel, or by numpy with the same answers.

An item's score is the sum of its weighted z-scores in float64, rounded to float32. A pass over
all items may be less exact: what comes within its error of the best is scored again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core import kernel
from engine.core.blend import Blend
from engine.core.parts import Listener
from engine.core.top_rows import top_rows

NO_SEED = -1
_FLOAT_STEP = float(np.finfo(np.float32).eps)
# Of 64 numbers in float64 each, 32 MiB.
_ROWS_AT_ONCE = 65_536


class Said(NamedTuple):
    """What the parts say of k items.

    Attributes
    ----------
    scores : float32[k]
    contributions : float32[p, k]
        By part; an item's add up to its score.
    leading : int[k]
        The part that adds the most.
    seeds : int[k]
        The place in the history that speaks loudest in that part, `NO_SEED` where it hears none.
    """

    scores: NDArray[np.float32]
    contributions: NDArray[np.float32]
    leading: NDArray[np.integer[Any]]
    seeds: NDArray[np.integer[Any]]


class Scan(Protocol):
    """One history's scores."""

    def best(
        self, *, allowed: NDArray[np.bool_], limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the ``limit`` allowed rows of the highest scores, ties by row, and the scores."""

    @property
    def values(self) -> NDArray[np.float32]:
        """float32[n_items]: every item's score."""

    def said(self, item_rows: NDArray[np.int32]) -> Said:
        """Return what made the items' scores."""


def scan(blend: Blend, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> Scan:
    """Let the parts of a blend hear one history.

    Parameters
    ----------
    blend : Blend
    rows : int32[h]
        Items of the history.
    weights : float32[h]
        Positive, by `engine.core.histories.history_weights`.
    """
    if kernel.library is None:
        return NumpyScan(blend, rows, weights)
    return CompiledScan(blend, rows, weights)


class CompiledScan:
    """A scan by the compiled kernel."""

    def __init__(self, blend: Blend, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> None:
        self._blend = blend.compiled
        self._history = kernel.heard(rows, weights)
        self._state: bytes | None = None

    def best(
        self, *, allowed: NDArray[np.bool_], limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return rows and scores by one pass that holds scores of the best alone."""
        rows, scores, self._state = self._blend.best(self._history, allowed=allowed, limit=limit)
        return rows, scores

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """float32[n_items]: every item's score."""
        values, self._state = self._blend.values(self._history)
        return values

    def said(self, item_rows: NDArray[np.int32]) -> Said:
        """Return what made the items' scores."""
        if self._state is None:
            _, self._state = self._blend.values(self._history)
        told = self._blend.explain(self._history, self._state, item_rows=item_rows)
        return Said(*told)


class NumpyScan:
    """A scan by numpy alone."""

    def __init__(self, blend: Blend, rows: NDArray[np.int32], weights: NDArray[np.float32]) -> None:
        self._rows, self._weights = rows, weights
        self._parts = blend.speaking
        self._voices = [
            (blend.weights[part.name], part.voice(rows, weights)) for part in self._parts
        ]
        self._n_items = self._parts[0].n_items

    def best(
        self, *, allowed: NDArray[np.bool_], limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return rows and scores; exact ones of those alone that come near the best."""
        near = np.zeros(self._n_items, dtype=np.float32)
        error = largest = 0.0
        for weight, voice in self._voices:
            near += np.float32(weight) * voice.near
            error += weight * voice.error
            largest += weight * float(np.abs(voice.near).max(initial=0.0))
        error += (len(self._voices) + 4) * _FLOAT_STEP * largest
        chosen = top_rows(near, allowed=allowed, limit=limit)
        if 0 < len(chosen) == limit:
            is_near = allowed & (near >= near[chosen[-1]] - 2 * error)
            chosen = np.flatnonzero(is_near).astype(np.int32)
        scores = self._exact(chosen)
        order = np.lexsort((chosen, -scores))[:limit]
        return chosen[order], scores[order]

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """float32[n_items]: every item's score."""
        return self._exact(np.arange(self._n_items, dtype=np.int32))

    def said(self, item_rows: NDArray[np.int32]) -> Said:
        """Return what made the items' scores."""
        contributions = np.stack(
            [weight * voice.exact(item_rows) for weight, voice in self._voices]
        ).astype(np.float32)
        leading, seeds = loudest(
            self._parts, contributions, self._rows, self._weights, item_rows=item_rows
        )
        return Said(self._exact(item_rows), contributions, leading, seeds)

    def _exact(self, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        total = np.zeros(len(item_rows))
        for start in range(0, len(item_rows), _ROWS_AT_ONCE):
            span = slice(start, start + _ROWS_AT_ONCE)
            for weight, voice in self._voices:
                total[span] += weight * voice.exact(item_rows[span])
        return total.astype(np.float32)


def loudest(
    parts: Sequence[Listener],
    contributions: NDArray[np.float32],
    rows: NDArray[np.int32],
    weights: NDArray[np.float32],
    *,
    item_rows: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return who speaks loudest for k items, as `Said` has it, given what each part adds."""
    leading = contributions.argmax(axis=0)
    seeds = np.full(len(item_rows), NO_SEED, dtype=np.int64)
    for place in np.unique(leading).tolist():
        is_led = leading == place
        of_seeds = parts[place].seed_contributions(rows, weights, item_rows[is_led])
        if of_seeds is not None:
            seeds[is_led] = of_seeds.argmax(axis=0)
    return leading, seeds
