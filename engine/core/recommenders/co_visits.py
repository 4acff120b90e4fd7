"""Directed co-visitation: what users turned to soon after an item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from engine.core.parts import NeighbourPart
from engine.core.recency import DAY_SECONDS, decay
from engine.core.recipe import CoVisitsSettings
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.sparse_rows import neighbour_part, strongest_per_row
from engine.core.training_part import TrainingPart


@dataclass(frozen=True)
class CoVisits:
    """Counts the items that follow within ``window`` steps, each step further counting less."""

    settings: CoVisitsSettings

    def fit(self, part: TrainingPart, context: FitContext) -> NeighbourPart:
        """Return each item's followers: ``s_ij = Σ decay(age of j) / steps from i to j``."""
        del context
        pairs = part.pairs.take(np.lexsort((part.pairs.seconds, part.pairs.user_index)))
        ages = np.maximum(0, part.newest_seconds - pairs.seconds) / DAY_SECONDS
        fresh = decay(ages, self.settings.half_life_days).astype(np.float32)
        froms, tos, values = [], [], []
        for steps in range(1, self.settings.window + 1):
            follows = pairs.user_index[steps:] == pairs.user_index[:-steps]
            froms.append(pairs.item_index[:-steps][follows])
            tos.append(pairs.item_index[steps:][follows])
            values.append(fresh[steps:][follows] / np.float32(steps))
        places = (np.concatenate(froms), np.concatenate(tos))
        counts = sp.csr_array((np.concatenate(values), places), shape=(part.n_items, part.n_items))
        return neighbour_part("co_visits", [strongest_per_row(counts, self.settings.neighbours)])
