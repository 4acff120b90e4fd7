"""Queues a training: a run for the store to watch and a job for a worker, in one transaction."""

from __future__ import annotations

from django.utils import timezone

from engine.jobs import TRAINING_JOB
from engine.models.training import TrainingRun
from saas.lib.ids import new_ulid
from tenants.models.environment import Environment
from tenants.services.enqueue_job import enqueue_job


def request_training(*, environment: Environment) -> str:
    """Queue a training, or find the one that is queued or running; call inside the environment.

    Parameters
    ----------
    environment
        Whose data to learn from; one training at a time.

    Returns
    -------
    str
        The training run's id.
    """
    run_id = new_ulid()
    job_id = enqueue_job(
        kind=TRAINING_JOB,
        environment_id=environment.pk,
        payload={"training_run_id": run_id},
        exclusive_key=f"train:{environment.pk}",
    )
    if job_id is None:
        # Also where another request committed its run while this one waited on the key.
        return TrainingRun.objects.latest("id").id
    _end_runs_without_a_job()
    TrainingRun.objects.create(id=run_id, created_at=timezone.now())
    return run_id


def _end_runs_without_a_job() -> None:
    # The key was free, so nobody works for these: the last worker was lost before it could say so.
    TrainingRun.objects.filter(
        status__in=(TrainingRun.Status.QUEUED, TrainingRun.Status.RUNNING)
    ).update(
        status=TrainingRun.Status.FAILED,
        error="It stopped our worker each time it was tried.",
        finished_at=timezone.now(),
    )
