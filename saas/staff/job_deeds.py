"""What staff can do about a job that has failed for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from engine.jobs import (
    EXPORT_JOB,
    FEED_JOB,
    IMPORT_JOB,
    PERSONAL_EXPORT_JOB,
    TRAINING_JOB,
    UPDATE_JOB,
)
from engine.services.request_training import request_training
from saas.lib.errors import Conflict
from tenants.admin_work import JobAdmin
from tenants.context import in_environment
from tenants.deeds import Deed
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.services.record_audit import record_audit
from tenants.services.retry_job import drop_job, retry_job

# Their stores were told how they ended, and begin them anew by themselves.
_TOLD = frozenset({IMPORT_JOB, EXPORT_JOB, FEED_JOB, PERSONAL_EXPORT_JOB})
# One at a time: what has failed gave its place free.
_TRAININGS = frozenset({TRAINING_JOB, UPDATE_JOB})


def _retry(job: Job, actor: str, given: Mapping[str, Any]) -> str:
    if job.kind in _TOLD:
        raise Conflict(
            f"The store was told that job {job.pk} failed and has to send the file or ask for it "
            "again; lay the job aside."
        )
    if job.kind in _TRAININGS and job.environment is not None:
        return _train_anew(job, job.environment, actor, given["reason"])
    retry_job(job_id=job.pk, actor=actor, reason=given["reason"])
    return f"Job {job.pk} is queued again."


def _train_anew(job: Job, environment: Environment, actor: str, reason: str) -> str:
    drop_job(job_id=job.pk, actor=actor, reason=reason)
    with in_environment(environment):
        run_id = request_training(environment=environment)
        record_audit(
            tenant_id=environment.tenant_id,
            actor=actor,
            action="training_requested",
            object=f"training_run:{run_id}",
            reason=reason,
        )
    return f"A training of {environment} is queued in place of job {job.pk}."


def _drop(job: Job, actor: str, given: Mapping[str, Any]) -> str:
    drop_job(job_id=job.pk, actor=actor, reason=given["reason"])
    return f"Job {job.pk} is laid aside."


def _has_failed(job: Job) -> bool:
    return job.state == Job.State.FAILED


class DeadLetterAdmin(JobAdmin):
    """Jobs, and what can be done about those that have failed."""

    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="retry",
            title="Try again",
            says="The job is queued once more with all its attempts. A training begins anew.",
            do=_retry,
            is_offered=_has_failed,
            is_for_many=True,
        ),
        Deed(
            name="drop",
            title="Lay aside",
            says="Nothing more is done about it: it is no dead letter any more.",
            do=_drop,
            is_offered=_has_failed,
            is_dangerous=True,
            is_for_many=True,
        ),
    )
