"""Copies the trainings that have ended to where platform staff see those of all stores."""

from __future__ import annotations

from typing import Any

from engine.models.training import ModelVersion, TrainingRun
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.roll_up import TrainingRecord

# An environment has one training at a time, so few have ended since the last look.
MOST_AT_ONCE = 500


def roll_up_trainings(*, environment: Environment) -> int:
    """Record what has ended since the last time; call inside the environment, as often as you like.

    Parameters
    ----------
    environment
        Whose trainings.

    Returns
    -------
    int
        How many were recorded.
    """
    with on_platform():
        last = (
            TrainingRecord.objects.filter(environment=environment)
            .order_by("-finished_at")
            .values_list("run_id", flat=True)
            .first()
        )
    # Runs end in the order of their ids, since one waits for the other.
    ended = list(
        TrainingRun.objects.filter(id__gt=last or "", finished_at__isnull=False).order_by("id")[
            :MOST_AT_ONCE
        ]
    )
    versions = ModelVersion.objects.in_bulk([run.model_version for run in ended])
    records = [_record(environment, run, versions.get(run.model_version)) for run in ended]
    with on_platform():
        TrainingRecord.objects.bulk_create(records, ignore_conflicts=True)
    return len(records)


def ndcg_of(version: ModelVersion | None) -> dict[str, Any]:
    """Return the NDCG@10 of a version and of popularity beside it; None where it has none."""
    if version is None:
        return {"ndcg": None, "popular_ndcg": None}
    popular = version.baselines.get("popular", {})
    return {
        "ndcg": version.metrics.get("ndcg@10", {}).get("value"),
        "popular_ndcg": popular.get("ndcg@10", {}).get("value"),
    }


def _record(
    environment: Environment, run: TrainingRun, version: ModelVersion | None
) -> TrainingRecord:
    finished_at = run.finished_at or run.created_at
    seconds = None
    if run.started_at is not None:
        seconds = (finished_at - run.started_at).total_seconds()
    return TrainingRecord(
        run_id=run.pk,
        environment=environment,
        kind=run.kind,
        status=run.status,
        created_at=run.created_at,
        finished_at=finished_at,
        seconds=seconds,
        rows=run.rows,
        error=run.error or "",
        model_version=run.model_version or "",
        verdict="" if version is None else version.verdict,
        reason="" if version is None else version.reason,
        **ndcg_of(version),
    )
