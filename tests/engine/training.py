"""Trainings as a store's developer asks for them and a worker runs them, without HTTP."""

from __future__ import annotations

from engine import tasks
from engine.models.training import TrainingRun
from engine.services.request_training import request_training
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job


def train(environment: Environment) -> TrainingRun:
    """Request a training and run its job as a worker would."""
    with in_environment(environment):
        request_training(environment=environment)
    return run_training(environment)


def run_training(environment: Environment) -> TrainingRun:
    """Run the training that is queued."""
    with on_platform():
        job = Job.objects.get(exclusive_key=f"train:{environment.pk}")
        tasks.train_model(job_id=job.pk, environment_id=environment.pk)
    with in_environment(environment):
        return TrainingRun.objects.get(pk=job.payload["training_run_id"])
