"""What a store sees of a training or an update while it goes on: stage and share of its run."""

from __future__ import annotations

import time

import structlog
from django.db import OperationalError
from django.utils import timezone

from engine.models.training import TrainingRun
from tenants.context import in_environment
from tenants.db.connection import connection
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, ensure_held

log = structlog.get_logger()

SECONDS_BETWEEN_REPORTS = 0.5
_SHARE_BEFORE_WRITING = 0.98


def start_run(environment: Environment, *, job: ClaimedJob) -> str:
    """Say that a job's run has begun, and return the run's id."""
    run_id = str(job.payload["training_run_id"])
    with in_environment(environment):
        ensure_held(job)
        TrainingRun.objects.filter(pk=run_id).update(
            status=TrainingRun.Status.RUNNING,
            stage="reading",
            progress=0.0,
            started_at=timezone.now(),
        )
    return run_id


def give_connection_back() -> None:
    """Let go of the connection for as long as nothing is read or written.

    The training may outlive it; the pool checks one before it lends it again.
    """
    if not connection.in_atomic_block:
        connection.close()


class Progress:
    """Writes stage and share to the run, at most twice a second and each in its own transaction."""

    def __init__(self, environment: Environment, *, job: ClaimedJob, run_id: str) -> None:
        self._environment = environment
        self._job = job
        self._run_id = run_id
        self._reported_at = float("-inf")

    def __call__(self, stage: str, share: float) -> None:
        """Report, or leave it to the next one."""
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
            give_connection_back()

    def writing(self) -> None:
        """Report that the model is being stored."""
        self("writing", _SHARE_BEFORE_WRITING)
