"""Queues a training: a run for the store to watch and a job for a worker, in one transaction."""

from __future__ import annotations

from django.utils import timezone

from engine.jobs import TRAINING_JOB, UPDATE_JOB
from engine.models.training import TrainingRun
from saas.lib.ids import new_ulid
from tenants.models.environment import Environment
from tenants.services.enqueue_job import enqueue_job
from tenants.services.replace_job import replace_job


def request_training(*, environment: Environment) -> str:
    """Queue a training, or find the one that is queued or running; call inside the environment.

    An update that is queued or running makes way: the training does all that it would.

    Parameters
    ----------
    environment
        Whose data to learn from; one training at a time.

    Returns
    -------
    str
        The training run's id.
    """
    run_id = (
        queue_run(environment=environment, kind=TrainingRun.Kind.TRAINING)
        or replace_update(environment=environment)
        # The update has ended while its row was waited for.
        or queue_run(environment=environment, kind=TrainingRun.Kind.TRAINING)
    )
    # Also where another request committed its run while this one waited on the key.
    return run_id or TrainingRun.objects.latest("id").id


def queue_run(*, environment: Environment, kind: TrainingRun.Kind) -> str | None:
    """Queue a training or an update; call inside the environment.

    Returns
    -------
    str or None
        The training run's id; `None` where another is queued or running.
    """
    run_id = new_ulid()
    job_id = enqueue_job(
        kind=TRAINING_JOB if kind == TrainingRun.Kind.TRAINING else UPDATE_JOB,
        environment_id=environment.pk,
        payload={"training_run_id": run_id},
        exclusive_key=_exclusive_key(environment),
    )
    if job_id is None:
        return None
    _end_runs_without_a_job()
    TrainingRun.objects.create(id=run_id, kind=kind, created_at=timezone.now())
    return run_id


def replace_update(*, environment: Environment) -> str | None:
    """Make a training of the update that is queued or running; call inside the environment.

    Returns
    -------
    str or None
        The training run's id; `None` where there is no update.
    """
    payload = replace_job(
        exclusive_key=_exclusive_key(environment), kind=UPDATE_JOB, by=TRAINING_JOB
    )
    if payload is None:
        return None
    run_id = str(payload["training_run_id"])
    TrainingRun.objects.filter(pk=run_id).update(
        kind=TrainingRun.Kind.TRAINING,
        status=TrainingRun.Status.QUEUED,
        stage="",
        progress=0.0,
        created_at=timezone.now(),
        started_at=None,
    )
    return run_id


def _exclusive_key(environment: Environment) -> str:
    return f"train:{environment.pk}"


def _end_runs_without_a_job() -> None:
    # The key was free, so nobody works for these: the last worker was lost before it could say so.
    TrainingRun.objects.filter(
        status__in=(TrainingRun.Status.QUEUED, TrainingRun.Status.RUNNING)
    ).update(
        status=TrainingRun.Status.FAILED,
        error="It stopped our worker each time it was tried.",
        finished_at=timezone.now(),
    )
