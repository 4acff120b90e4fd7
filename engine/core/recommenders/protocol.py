"""What every recommender is to the trainer: settings that fit a training part into a blend part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.core.parts import Part
from engine.core.training_part import TrainingPart


@dataclass(frozen=True)
class FitContext:
    """What a fit may depend on besides the training part.

    One thread and one seed give the same bytes again; LightFM on several threads doesn't.
    """

    seed: int
    threads: int


class Recommender(Protocol):
    """A candidate of the blend. Sees nothing but the training part it is given."""

    def fit(self, part: TrainingPart, context: FitContext) -> Part:
        """Learn from one side of the split.

        Parameters
        ----------
        part : TrainingPart
        context : FitContext

        Returns
        -------
        Part
            Scores every row of the catalogue, finite, also where the part knows nothing.
        """
