"""The model versions of an environment, as the API and the portal show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.core.lifecycle import ModelStatus, VersionRecord, model_status
from engine.models.training import ModelVersion
from tenants.context import on_platform
from tenants.models.environment import Environment


@dataclass(frozen=True, slots=True)
class Model:
    """A model version with its status; the mappings are as the training reported them.

    Attributes
    ----------
    parent
        Of an update, the version that it brought up to date and whose figures it bears.
    is_servable
        Its files are still there.
    promoted_at
        When it last became live.
    """

    version: str
    status: ModelStatus
    trained_at: datetime
    data_window: dict[str, Any]
    counts: dict[str, Any]
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    baselines: dict[str, Any]
    strata: dict[str, Any]
    has_passed_gate: bool
    reason: str
    parent: str | None
    is_servable: bool
    promoted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ModelDetail(Model):
    """A model version with what fills a page of its own."""

    popularity_deciles: list[dict[str, Any]]
    training_curve: list[dict[str, Any]]


def model(*, environment_id: int, version: str) -> ModelDetail | None:
    """Return one version, or `None` where the environment has no such."""
    row = ModelVersion.objects.filter(pk=version).first()
    if row is None:
        return None
    return ModelDetail(
        **_columns(row, live_version_of(environment_id)),
        popularity_deciles=row.popularity_deciles,
        training_curve=row.training_curve,
    )


def models(*, environment_id: int, limit: int, before: str | None = None) -> list[Model]:
    """Return up to `limit` versions, newest first, those older than `before`."""
    rows = ModelVersion.objects.order_by("-version").defer("popularity_deciles", "training_curve")
    if before is not None:
        rows = rows.filter(version__lt=before)
    live_version = live_version_of(environment_id)
    return [Model(**_columns(row, live_version)) for row in rows[:limit]]


def version_records() -> list[VersionRecord]:
    """Return what decides about the future of each version whose files are still there."""
    columns = ("version", "verdict", "promoted_at", "parent")
    rows = ModelVersion.objects.filter(artifact_removed_at=None).values_list(*columns)
    return [
        VersionRecord(
            version=version,
            has_passed_gate=verdict == ModelVersion.Verdict.PROMOTED,
            promoted_at=promoted_at,
            has_artifact=True,
            is_update=parent is not None,
        )
        for version, verdict, promoted_at, parent in rows
    ]


def live_version_of(environment_id: int) -> str | None:
    """Return what is served now; the caller's environment may have been read seconds ago."""
    with on_platform():
        return Environment.objects.only("live_version").get(pk=environment_id).live_version


def _columns(row: ModelVersion, live_version: str | None) -> dict[str, Any]:
    record = VersionRecord(
        version=row.version,
        has_passed_gate=row.verdict == ModelVersion.Verdict.PROMOTED,
        promoted_at=row.promoted_at,
        has_artifact=row.artifact_removed_at is None,
    )
    return {
        "version": row.version,
        "status": model_status(record, live_version=live_version),
        "trained_at": row.trained_at,
        "data_window": row.data_window,
        "counts": row.counts,
        "parameters": row.recipe,
        "metrics": row.metrics,
        "baselines": row.baselines,
        "strata": row.strata,
        "has_passed_gate": record.has_passed_gate,
        "reason": row.reason,
        "parent": row.parent,
        "is_servable": record.has_artifact,
        "promoted_at": row.promoted_at,
    }
