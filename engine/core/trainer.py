"""One training run: split, candidates, blend, evaluation, gate, refit on everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.core.dataset import Dataset
from engine.core.evaluator import EvaluationReport
from engine.core.gate import GateDecision
from engine.core.recipe import Recipe
from engine.core.tables import ModelTables


@dataclass(frozen=True)
class TrainedModel:
    """What a training run hands to `write_artifact`.

    ``gate.promote`` says whether it should go live; the tables are fit on every event either way.
    """

    recipe: Recipe
    report: EvaluationReport
    gate: GateDecision
    tables: ModelTables


def train_model(
    *,
    dataset: Dataset,
    champion: Recipe | None,
    seconds_budget: float,
    seed: int,
    threads: int,
    report_progress: Callable[[str, float], None],
) -> TrainedModel:
    """Train, evaluate and judge a model of one store."""
    raise NotImplementedError
