"""What a training run hands on, without what it took to train it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.gate import GateDecision
from engine.core.recipe import Recipe
from engine.core.recommenders.taste_state import TasteState
from engine.core.report import EvaluationReport
from engine.core.tables import ModelTables


@dataclass(frozen=True)
class TrainedModel:
    """A model fit on every event, its recipe's examination, and whether it should go live.

    ``taste`` is what an update goes on from, None where there is no LightFM to update.
    """

    recipe: Recipe
    report: EvaluationReport
    gate: GateDecision
    tables: ModelTables
    taste: TasteState | None = None
