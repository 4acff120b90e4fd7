"""Which of a product's variants stands for it in a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from api.inference.catalogue import NO_GROUP
from api.inference.shelf import NO_ROW, Shelf

# When the shopper saw which of the model's rows, in epoch seconds.
Seen = Callable[[], Mapping[int, float]]


class Variants:
    """The shown variant of each group, chosen when the group comes to its turn.

    The one that the call's boosts favour most, of those the one that the shopper saw last, else the
    one most in demand; each only where it may be shown. The score stays that of the group's best.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        allowed: NDArray[np.bool_],
        factors: NDArray[np.float32] | None,
        seen: Seen,
    ) -> None:
        self._shelf = shelf
        self._allowed = allowed
        self._factors = factors
        self._seen = seen
        self._seen_at: Mapping[int, float] | None = None
        self._shown: dict[int, int] = {}

    def shown(self, row: int) -> int:
        """Return the model's row that stands for a row's group, the row itself without a group."""
        group = int(self._shelf.groups[row])
        if group == NO_GROUP:
            return row
        found = self._shown.get(group)
        if found is None:
            found = self._shown[group] = self._best(row, group)
        return found

    def _best(self, row: int, group: int) -> int:
        members = map(self._shelf.item_row, self._shelf.catalogue.members(group))
        others = [each for each in members if each not in {row, NO_ROW} and self._allowed[each]]
        if not others or self._shelf.model is None:
            return row
        if self._seen_at is None:
            self._seen_at = self._seen()
        popularity, seen_at, factors = (
            self._shelf.model.artifact.popularity,
            self._seen_at,
            self._factors,
        )

        def standing(each: int) -> tuple[float, float, float]:
            factor = 1.0 if factors is None else float(factors[each])
            return factor, seen_at.get(each, 0.0), float(popularity[each])

        # The one that scored best comes first among equals.
        return max([row, *others], key=standing)
