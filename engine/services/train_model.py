"""Trains a model of one environment: read, learn, store the artifact, record; the worker's job."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass

import structlog
from django.db import OperationalError
from django.utils import timezone

from engine.core import trainer
from engine.core.artifact import write_artifact
from engine.core.errors import NotEnoughData
from engine.core.recipe import Recipe
from engine.models.training import ModelVersion, TrainingRun
from engine.selectors.training_data import TrainingData, training_data
from engine.services.record_trained_model import TrainedVersion, record_trained_model
from engine.services.remove_old_artifacts import artifacts_of
from saas.lib.config import config
from saas.lib.ids import new_ulid
from tenants.context import in_environment, on_platform
from tenants.db.connection import connection
from tenants.errors import JobFailedError, LeaseLostError
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tenants.services.run_job import ClaimedJob, ensure_held

log = structlog.get_logger()

SECONDS_BETWEEN_REPORTS = 0.5


@dataclass(frozen=True, slots=True)
class _Inputs:
    data: TrainingData
    champion: Recipe | None
    seconds_budget: float


def train_model(*, environment: Environment, job: ClaimedJob) -> None:
    """Run a training job; opens its own short transactions, none during the training.

    Parameters
    ----------
    environment
        Whose data to learn from, read when the job was claimed.
    job
        Its payload names the training run.

    Raises
    ------
    JobFailedError
        The data do not suffice; the message is for the shop's owner.
    LeaseLostError
        Another worker has taken the job over; nothing of this attempt remains.
    """
    run_id = str(job.payload["training_run_id"])
    started = time.monotonic()
    log.info("training_started", run=run_id, attempt=job.attempts)
    _start(environment, job=job, run_id=run_id)
    inputs = _read(environment, run_id=run_id)
    try:
        model = trainer.train_model(
            dataset=inputs.data.dataset,
            champion=inputs.champion,
            seconds_budget=inputs.seconds_budget,
            # One seed per store: the same data give the same model again.
            seed=environment.pk,
            threads=config().training_threads,
            report_progress=_Progress(environment, job=job, run_id=run_id),
        )
    except NotEnoughData as error:
        raise JobFailedError(str(error)) from error
    except MemoryError as error:
        raise JobFailedError(
            "Your store's events and catalogue need more memory than our worker has; the live "
            "model stays as it is. Please tell support."
        ) from error
    trained = TrainedVersion(
        version=new_ulid(),
        trained_at=timezone.now(),
        change_seq=inputs.data.change_seq,
        model=model,
        champion_compared_with=environment.live_version,
    )
    folder = artifacts_of(environment.pk) / trained.version
    try:
        write_artifact(
            folder=folder,
            model=model,
            environment_id=environment.pk,
            version=trained.version,
            change_seq=trained.change_seq,
            created_at=trained.trained_at,
        )
        with in_environment(environment):
            decision = record_trained_model(
                environment_id=environment.pk, job=job, run_id=run_id, trained=trained
            )
    except LeaseLostError:
        # Of any other failure it is not known here whether the commit took place.
        shutil.rmtree(folder, ignore_errors=True)
        raise
    log.info(
        "model_trained",
        run=run_id,
        version=trained.version,
        goes_live=decision.goes_live,
        reason=decision.reason,
        seconds=round(time.monotonic() - started, 3),
    )


def _start(environment: Environment, *, job: ClaimedJob, run_id: str) -> None:
    with in_environment(environment):
        ensure_held(job)
        TrainingRun.objects.filter(pk=run_id).update(
            status=TrainingRun.Status.RUNNING,
            stage="reading",
            progress=0.0,
            started_at=timezone.now(),
        )


def _read(environment: Environment, *, run_id: str) -> _Inputs:
    with in_environment(environment):
        data = training_data()
        TrainingRun.objects.filter(pk=run_id).update(rows=len(data.dataset.interactions))
        inputs = _Inputs(
            data=data,
            champion=_champion(environment.live_version),
            seconds_budget=_seconds_budget(environment),
        )
    _give_connection_back()
    return inputs


def _give_connection_back() -> None:
    # The training may outlive it; the pool checks one before it lends it again.
    if not connection.in_atomic_block:
        connection.close()


def _champion(live_version: str | None) -> Recipe | None:
    row = ModelVersion.objects.filter(pk=live_version).first()
    if row is None:
        return None
    try:
        return Recipe.from_dict(row.recipe)
    except ValueError as error:
        log.warning("champion_not_compared", version=live_version, reason=str(error))
        return None


def _seconds_budget(environment: Environment) -> float:
    with on_platform():
        entitlement = Entitlement.objects.filter(tenant=environment.tenant_id).first()
    return config().training_seconds if entitlement is None else entitlement.training_seconds


class _Progress:
    """Writes stage and share to the run, at most twice a second and each in its own transaction."""

    def __init__(self, environment: Environment, *, job: ClaimedJob, run_id: str) -> None:
        self._environment = environment
        self._job = job
        self._run_id = run_id
        self._reported_at = float("-inf")

    def __call__(self, stage: str, share: float) -> None:
        now = time.monotonic()
        if now - self._reported_at < SECONDS_BETWEEN_REPORTS:
            return
        self._reported_at = now
        try:
            with in_environment(self._environment):
                ensure_held(self._job)
                TrainingRun.objects.filter(pk=self._run_id).update(stage=stage, progress=share)
        except OperationalError as error:
            log.warning("progress_not_reported", error=str(error))
        finally:
            _give_connection_back()
