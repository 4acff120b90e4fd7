"""How a model spreads its recommendations over what is popular and what is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.evaluator import Evaluation
from engine.core.training_part import TrainingPart

DECILES = 10


@dataclass(frozen=True)
class PopularityDecile:
    """A tenth of the items.

    Attributes
    ----------
    decile : int
        1 is the tenth that most users turned to in the training part.
    recommended, wanted : float
        Its share of all places among the first ten, and of all that users turned to later.
    covered : float
        The share of its items that anybody was shown.
    """

    decile: int
    recommended: float
    wanted: float
    covered: float


def decile_of_items(part: TrainingPart) -> NDArray[np.int64]:
    """Return int64[n_items]: 1 for the most popular tenth up to 10, 0 for items without users.

    Of items that equally many turned to, those of lower rows come first.
    """
    users_of = np.bincount(part.pairs.item_index, minlength=part.n_items)
    active = int(np.count_nonzero(users_of))
    ranked = np.argsort(-users_of, kind="stable")[:active]
    decile_of = np.zeros(part.n_items, dtype=np.int64)
    decile_of[ranked] = np.arange(active) * DECILES // max(1, active) + 1
    return decile_of


def popularity_deciles(marks: Evaluation, decile_of: NDArray[np.int64]) -> list[PopularityDecile]:
    """Return what became of each tenth; fewer than ten items make fewer rows."""
    items, places, wishes, shown_items = (
        np.bincount(decile_of, weights, minlength=DECILES + 1)
        for weights in (None, marks.shown, marks.wanted, marks.shown > 0)
    )
    return [
        PopularityDecile(
            decile=decile,
            recommended=_share(places[decile], marks.shown.sum()),
            wanted=_share(wishes[decile], marks.wanted.sum()),
            covered=_share(shown_items[decile], items[decile]),
        )
        for decile in range(1, DECILES + 1)
        if items[decile]
    ]


def _share(count: float, of: float) -> float:
    return float(count / of) if of else 0.0
