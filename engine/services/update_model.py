"""Brings the live model up to date with the newest events; the worker's job between trainings."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog
from django.utils import timezone

from engine.core import updater
from engine.core.artifact import open_artifact
from engine.core.base_model import BaseModel, read_base_model
from engine.core.drift import drift_of
from engine.core.errors import ArtifactRefused
from engine.core.trained_model import TrainedModel
from engine.models.training import TrainingRun
from engine.selectors.training_data import TrainingData, training_data
from engine.services.record_trained_model import TrainedVersion
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.request_training import replace_update
from engine.services.store_model import store_model
from engine.services.training_reports import Progress, give_connection_back, start_run
from saas.lib.config import config
from saas.lib.ids import new_ulid
from tenants.context import in_environment
from tenants.errors import JobFailedError
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, finish_job

log = structlog.get_logger()

# What a training could not mend is not tried again with each update.
PAUSE_BETWEEN_TRAININGS = timedelta(hours=6)


def update_model(*, environment: Environment, job: ClaimedJob) -> None:
    """Run an update job; opens its own short transactions, none during the update.

    Where the live model's files are away or damaged, or the store has moved away from it, the job
    becomes a training.

    Parameters
    ----------
    environment
        Whose live model, as it was when the job was claimed.
    job
        Its payload names the training run.

    Raises
    ------
    JobFailedError
        The model's numbers ran off; the live model stays.
    LeaseLostError
        Another worker or a training has taken the job over; nothing of this attempt remains.
    """
    started = time.monotonic()
    run_id = start_run(environment, job=job)
    log.info("update_started", run=run_id, attempt=job.attempts)
    version = environment.live_version
    try:
        base = _base(environment.pk, version)
    except ArtifactRefused as error:
        log.warning("update_without_a_base", version=version, reason=str(error))
        with in_environment(environment):
            replace_update(environment=environment)
        return
    data = _read(environment, run_id=run_id)
    if version is not None and _becomes_a_training(environment, version, data):
        return
    report = Progress(environment, job=job, run_id=run_id)
    model = None if base is None else _updated(base, data, report)
    if model is None:
        _end_without_news(environment, job=job, run_id=run_id)
        return
    trained = TrainedVersion(
        version=new_ulid(),
        trained_at=timezone.now(),
        change_seq=data.change_seq,
        model=model,
        champion_compared_with=version,
        parent=version,
    )
    report.writing()
    decision = store_model(environment=environment, job=job, run_id=run_id, trained=trained)
    log.info(
        "model_updated",
        run=run_id,
        version=trained.version,
        parent=version,
        goes_live=decision.goes_live,
        reason=decision.reason,
        seconds=round(time.monotonic() - started, 3),
    )


def _base(environment_id: int, version: str | None) -> BaseModel | None:
    """Return the live model, None where there is none, or none that is to be updated."""
    if version is None:
        return None
    model = read_base_model(artifacts_of(environment_id) / version)
    return None if model.recipe.update is None else model


def _becomes_a_training(environment: Environment, version: str, data: TrainingData) -> bool:
    live = open_artifact(artifacts_of(environment.pk) / version, verify=False)
    drift = drift_of(live, data.dataset, seed=environment.pk)
    if drift is None:
        return False
    with in_environment(environment):
        since = timezone.now() - PAUSE_BETWEEN_TRAININGS
        trainings = TrainingRun.objects.filter(kind=TrainingRun.Kind.TRAINING)
        if trainings.filter(created_at__gt=since).exists():
            return False
        replace_update(environment=environment)
    log.info("model_drifted", version=version, reason=drift)
    return True


def _read(environment: Environment, *, run_id: str) -> TrainingData:
    with in_environment(environment):
        data = training_data()
        TrainingRun.objects.filter(pk=run_id).update(rows=len(data.dataset.interactions))
    give_connection_back()
    return data


def _updated(base: BaseModel, data: TrainingData, report: Progress) -> TrainedModel | None:
    try:
        return updater.update_model(
            dataset=data.dataset,
            base=base,
            threads=config().training_threads,
            report_progress=report,
        )
    except ValueError as error:
        log.warning("update_diverged", error=str(error))
        raise JobFailedError(
            "The newest events led the model to invalid numbers; the live model stays as it is, "
            "and the next full training starts afresh."
        ) from error


def _end_without_news(environment: Environment, *, job: ClaimedJob, run_id: str) -> None:
    with in_environment(environment):
        finish_job(job)
        TrainingRun.objects.filter(pk=run_id).update(
            status=TrainingRun.Status.COMPLETED,
            stage="nothing new",
            progress=1.0,
            finished_at=timezone.now(),
        )
    log.info("nothing_to_update", run=run_id)
