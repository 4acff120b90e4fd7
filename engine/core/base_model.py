"""Reads a trained model's folder as what an update of the model starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engine.core.array_folder import Manifest, map_arrays
from engine.core.artifact import STATE, open_artifact
from engine.core.errors import ArtifactRefused
from engine.core.learning_curve import CurvePoint, LearningCurve
from engine.core.metrics import Metric
from engine.core.popularity_deciles import PopularityDecile
from engine.core.recipe import Recipe
from engine.core.recommenders.taste_state import TasteState
from engine.core.report import EvaluationReport
from engine.core.string_table import StringTable
from engine.core.warm_start import BaseBlend


@dataclass(frozen=True)
class BaseModel:
    """A trained model as the base of an update: its recipe, its blend and its examination."""

    recipe: Recipe
    blend: BaseBlend
    report: EvaluationReport


def read_base_model(folder: Path) -> BaseModel:
    """Return the model of an artifact's folder, every file of it verified.

    Raises
    ------
    ArtifactRefused
        When the folder is missing or damaged, of another format, or lacks what its recipe needs
        to be updated.
    """
    artifact = open_artifact(folder, verify=True)
    manifest = artifact.manifest
    try:
        recipe = Recipe.from_dict(manifest["recipe"])
    except ValueError as error:
        raise ArtifactRefused(f"{folder} cannot be updated: {error}") from error
    return BaseModel(
        recipe=recipe,
        blend=BaseBlend(
            parts={part.name: part for part in artifact.blend.parts},
            taste=_state(folder, manifest) if recipe.lightfm else None,
            item_ids=_texts(artifact.item_ids),
            feature_names=_texts(artifact.feature_names),
            newest_seconds=artifact.newest_seconds,
        ),
        report=_report(manifest),
    )


def _state(folder: Path, manifest: Manifest) -> TasteState:
    try:
        arrays = map_arrays(folder / STATE, manifest["files"][STATE], verify=True)
        return TasteState(**{field.name: arrays[field.name] for field in fields(TasteState)})
    except KeyError as error:
        raise ArtifactRefused(f"{folder} lacks {error}, from which LightFM would go on.") from error


def _texts(table: StringTable) -> list[str]:
    return [table[row] for row in range(len(table))]


def _report(manifest: Manifest) -> EvaluationReport:
    return EvaluationReport(
        metrics=_metrics(manifest["metrics"]),
        baselines={name: _metrics(each) for name, each in manifest["baselines"].items()},
        counts=manifest["counts"],
        data_window=manifest["data_window"],
        strata={name: _metrics(each) for name, each in manifest["strata"].items()},
        # Older models have none.
        popularity_deciles=[
            PopularityDecile(**each) for each in manifest.get("popularity_deciles", [])
        ],
        training_curve=[_curve(each) for each in manifest.get("training_curve", [])],
    )


def _curve(values: Mapping[str, Any]) -> LearningCurve:
    points = [CurvePoint(**each) for each in values["points"]]
    return LearningCurve(**{**values, "points": points})


def _metrics(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Metric]:
    return {name: Metric(**value) for name, value in values.items()}
