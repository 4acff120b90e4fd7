"""The training runs of an environment, as the API and the portal show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from engine.models.training import TrainingRun


@dataclass(frozen=True, slots=True)
class Run:
    """A training run; `seconds` counts from its start, up to now while it runs.

    `stage` is a word, with a comma and a detail where there is one: `selecting, rp3 2 of 3`.
    """

    id: str
    kind: str
    status: str
    stage: str
    progress: float
    rows: int | None
    seconds: float | None
    seconds_budget: float | None
    created_at: datetime
    error: str | None
    model_version: str | None

    @property
    def is_under_way(self) -> bool:
        """Say whether it will still change."""
        return self.status in (TrainingRun.Status.QUEUED, TrainingRun.Status.RUNNING)


def training_run(*, run_id: str) -> Run | None:
    """Return one run, or `None` where the environment has no such."""
    row = TrainingRun.objects.filter(pk=run_id).first()
    return None if row is None else _run(row, timezone.now())


def training_runs(*, limit: int, before: str | None = None) -> list[Run]:
    """Return up to `limit` runs, newest first, those older than `before`."""
    rows = TrainingRun.objects.order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    now = timezone.now()
    return [_run(row, now) for row in rows[:limit]]


def _run(row: TrainingRun, now: datetime) -> Run:
    seconds = None
    if row.started_at is not None:
        seconds = round(((row.finished_at or now) - row.started_at).total_seconds(), 3)
    return Run(
        id=row.id,
        kind=row.kind,
        status=row.status,
        stage=row.stage,
        progress=row.progress,
        rows=row.rows,
        seconds=seconds,
        seconds_budget=row.seconds_budget,
        created_at=row.created_at,
        error=row.error,
        model_version=row.model_version,
    )
