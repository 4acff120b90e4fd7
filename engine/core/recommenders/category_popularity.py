"""What is popular lately in the categories that a user has turned to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from engine.core.parts import NeighbourPart
from engine.core.recipe import CategoryPopularitySettings
from engine.core.recommenders.popularity import windowed_popularity
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.sparse_rows import neighbour_part
from engine.core.training_part import TrainingPart


@dataclass(frozen=True)
class CategoryPopularity:
    """Each item leads to the most popular items of its categories, by their share of them."""

    settings: CategoryPopularitySettings

    def fit(self, part: TrainingPart, context: FitContext) -> NeighbourPart:
        """Return rows of item to popular items; items without a category lead nowhere."""
        del context
        members: dict[str, list[int]] = defaultdict(list)
        for row, item in enumerate(part.items):
            for category in item.categories:
                members[category].append(row)
        popularity = windowed_popularity(part, self.settings.window_days)
        names = sorted(members)
        of_items = _incidence([members[name] for name in names], part.n_items)
        best = []
        for name in names:
            rows = np.array(members[name])
            order = np.lexsort((rows, -popularity[rows]))[: self.settings.neighbours]
            best.append(rows[order][popularity[rows[order]] > 0].tolist())
        to_items = _incidence(best, part.n_items)
        to_items.data = popularity[to_items.indices]
        totals = np.maximum(np.asarray(to_items.sum(axis=1)), 1e-12)
        to_items.data /= np.repeat(totals, np.diff(to_items.indptr)).astype(np.float32)
        rows = sp.csr_array(of_items.T) @ to_items
        return neighbour_part("category_popular", [sp.csr_array(rows)])


def _incidence(groups: list[list[int]], n_items: int) -> sp.csr_array:
    """Return CSR float32[groups, n_items] of ones."""
    indptr = np.concatenate([[0], np.cumsum([len(group) for group in groups])]).astype(np.int64)
    rows = np.array([row for group in groups for row in group], dtype=np.int32)
    values = np.ones(len(rows), dtype=np.float32)
    return sp.csr_array((values, rows, indptr), shape=(len(groups), n_items))
