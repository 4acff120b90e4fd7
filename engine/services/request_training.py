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
    unfinished = (TrainingRun.Status.QUEUED, TrainingRun.Status.RUNNING)
    run = TrainingRun.objects.filter(status__in=unfinished).order_by("-id").first()
    if run is not None:
        return run.id
    run_id = new_ulid()
    job_id = enqueue_job(
        kind=TRAINING_JOB,
        environment_id=environment.pk,
        payload={"training_run_id": run_id},
        exclusive_key=f"train:{environment.pk}",
    )
    if job_id is None:
        # Another request committed its run while this one waited on the key.
        return TrainingRun.objects.latest("id").id
    TrainingRun.objects.create(id=run_id, created_at=timezone.now())
    return run_id
