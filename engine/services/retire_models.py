"""Removes the models that still hold erased shoppers, by the day that their receipts name."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import structlog
from django.utils import timezone

from engine.jobs import RETIREMENT_JOB
from engine.models.privacy import PrivacyRequest
from engine.models.training import ModelVersion
from engine.selectors.models import live_version_of
from engine.selectors.privacy import MODELS_KEPT, models_that_know
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.request_training import request_training
from engine.services.set_live_version import locked_environment, set_live_version
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.services.enqueue_job import enqueue_job
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

log = structlog.get_logger()

# Where trainings do not come by themselves, one is asked for this long before the end.
TRAINED_AHEAD = timedelta(days=3)
TRY_AGAIN = timedelta(hours=1)


def schedule_retirement(*, environment: Environment, erased_at: datetime) -> None:
    """Queue the two looks at the models that a day's erasures need; inside the environment.

    Parameters
    ----------
    environment
        Whose shoppers.
    erased_at
        When; the day's first erasure says when the day's models go.
    """
    day = datetime.combine(erased_at.astimezone(UTC), time.min, tzinfo=UTC)
    for is_final, run_after in (
        (False, day + MODELS_KEPT - TRAINED_AHEAD),
        (True, day + MODELS_KEPT),
    ):
        enqueue_job(
            kind=RETIREMENT_JOB,
            environment_id=environment.pk,
            payload={
                "erased_before": (day + timedelta(days=1)).isoformat(),
                "is_final": is_final,
            },
            run_after=run_after,
            dedupe_key=f"retire:{environment.pk}:{day:%Y-%m-%d}:{is_final}",
        )


def retire_models(*, environment: Environment, job: ClaimedJob) -> None:
    """Look at the models that hold shoppers erased a month ago; opens its own transactions.

    Shortly before the end, a store that still serves such a model gets a training, whatever its
    settings. At the end they go, the live one, too, pinned or not: the newest that passed its gate
    without the shoppers takes its place, and where there is none, answers come without a model.

    Parameters
    ----------
    environment
        Whose models.
    job
        Says which erasures, and whether this is the end.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over.
    """
    with in_environment(environment):
        ensure_held(job)
        change_seq = _newest_erasure(before=datetime.fromisoformat(job.payload["erased_before"]))
        if job.payload["is_final"]:
            folders = _retire(environment, job, change_seq=change_seq)
        else:
            folders = []
            # Not locked: what ends a training holds its job, and waits for the environment.
            if live_version_of(environment.pk) in models_that_know(change_seq):
                request_training(environment=environment)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    with in_environment(environment):
        finish_job(job)


def keep_retiring(*, environment: Environment, job: ClaimedJob) -> None:
    """Queue the look again; call in the transaction that ends the one that failed."""
    enqueue_job(
        kind=RETIREMENT_JOB,
        environment_id=environment.pk,
        payload=job.payload,
        run_after=timezone.now() + TRY_AGAIN,
    )


def _newest_erasure(*, before: datetime) -> int:
    erased = PrivacyRequest.objects.filter(
        kind=PrivacyRequest.Kind.ERASE, created_at__lt=before
    ).order_by("-change_seq")
    return erased.values_list("change_seq", flat=True).first() or 0


def _retire(environment: Environment, job: ClaimedJob, *, change_seq: int) -> list[Path]:
    """Take the versions out of use and return the folders of all that are."""
    knowing = models_that_know(change_seq)
    held = locked_environment(environment.pk)
    if held.live_version in knowing:
        set_live_version(
            held=held,
            version=_newest_without(knowing),
            is_pinned=False,
            actor=f"job:{job.id}",
            action="model_retired",
            reason="It still held shoppers who were erased a month ago.",
        )
    ModelVersion.objects.filter(version__in=knowing).update(artifact_removed_at=timezone.now())
    log.info("models_retired", environment_id=environment.pk, versions=knowing)
    gone = ModelVersion.objects.filter(artifact_removed_at__isnull=False, change_seq__lt=change_seq)
    return [artifacts_of(environment.pk) / version for version in gone.values_list("pk", flat=True)]


def _newest_without(knowing: Collection[str]) -> str | None:
    stored = ModelVersion.objects.filter(artifact_removed_at=None).exclude(version__in=knowing)
    passed = stored.filter(verdict=ModelVersion.Verdict.PROMOTED)
    return passed.order_by("-version").values_list("version", flat=True).first()
