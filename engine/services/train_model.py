"""Trains a model of one environment: read, learn, store the artifact, record; the worker's job."""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from django.utils import timezone

from engine.core import trainer
from engine.core.errors import NotEnoughData
from engine.core.recipe import Recipe
from engine.models.training import ModelVersion, TrainingRun
from engine.selectors.training_data import TrainingData, training_data
from engine.services.outdated_artifacts import has_outdated_artifact
from engine.services.record_trained_model import TrainedVersion
from engine.services.store_model import store_model
from engine.services.training_reports import Progress, give_connection_back, start_run
from saas.lib.config import config
from saas.lib.ids import new_ulid
from tenants.context import in_environment, on_platform
from tenants.errors import JobFailedError
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tenants.services.run_job import ClaimedJob

log = structlog.get_logger()


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
    started = time.monotonic()
    run_id = start_run(environment, job=job)
    log.info("training_started", run=run_id, attempt=job.attempts)
    inputs = _read(environment, run_id=run_id)
    report = Progress(environment, job=job, run_id=run_id)
    try:
        model = trainer.train_model(
            dataset=inputs.data.dataset,
            champion=inputs.champion,
            seconds_budget=inputs.seconds_budget,
            # One seed per store: the same data give the same model again.
            seed=environment.pk,
            threads=config().training_threads,
            report_progress=report,
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
    report.writing()
    decision = store_model(environment=environment, job=job, run_id=run_id, trained=trained)
    log.info(
        "model_trained",
        run=run_id,
        version=trained.version,
        goes_live=decision.goes_live,
        reason=decision.reason,
        seconds=round(time.monotonic() - started, 3),
    )


def _read(environment: Environment, *, run_id: str) -> _Inputs:
    with in_environment(environment):
        data = training_data()
        inputs = _Inputs(
            data=data,
            champion=_champion(environment),
            seconds_budget=_seconds_budget(environment),
        )
        TrainingRun.objects.filter(pk=run_id).update(
            rows=len(data.dataset.interactions), seconds_budget=inputs.seconds_budget
        )
    give_connection_back()
    return inputs


def _champion(environment: Environment) -> Recipe | None:
    version = environment.live_version
    row = ModelVersion.objects.filter(pk=version).first()
    # What is not served any more is no champion: anything better than newest items is.
    if row is None or has_outdated_artifact(environment.pk, version):
        return None
    try:
        return Recipe.from_dict(row.recipe)
    except ValueError as error:
        log.warning("champion_not_compared", version=version, reason=str(error))
        return None


def _seconds_budget(environment: Environment) -> float:
    with on_platform():
        entitlement = Entitlement.objects.filter(tenant=environment.tenant_id).first()
    return config().training_seconds if entitlement is None else entitlement.training_seconds
