"""How LightFM learnt: quality and loss after some of its epochs, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CurvePoint:
    """What a candidate was after ``epoch`` epochs.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    is_newest : bool
        Whether its last epochs were those on the newest events.
    ndcg : float
        NDCG@10 of LightFM alone on a sample of the validation users.
    loss : float
        Mean of ``log(1 + exp(other - liked))`` over sampled training pairs, each beside an item
        drawn at random: 0.69 for who tells nothing apart.
    """

    epoch: int
    is_newest: bool
    ndcg: float
    loss: float


@dataclass(frozen=True)
class LearningCurve:
    """One candidate of the search; those that were left behind end early.

    ``is_chosen`` says whether the trained model holds it.
    """

    settings: Mapping[str, Any]
    points: Sequence[CurvePoint]
    is_chosen: bool = False
