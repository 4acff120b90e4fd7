"""Takes a dead letter up again, or lays it aside, at staff's word."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from saas.lib.errors import Conflict
from tenants.context import on_platform
from tenants.models.job import Job
from tenants.services.record_audit import check_reason, record_audit
from tenants.services.wake_dispatcher import wake_dispatcher


def retry_job(*, job_id: int, actor: str, reason: str) -> None:
    """Queue a failed job once more, with all its attempts.

    Parameters
    ----------
    job_id
        Of a job that has failed for good.
    actor, reason
        For the audit log.

    Raises
    ------
    Conflict
        The job has not failed, or somebody was faster.
    InvalidParameter
        There is no reason.
    """
    changes = {
        "state": Job.State.QUEUED,
        "attempts": 0,
        "run_after": timezone.now(),
        "published_at": None,
        "finished_at": None,
    }
    with on_platform(), transaction.atomic():
        _change(job_id, changes, action="job_retried", actor=actor, reason=reason)
        wake_dispatcher()


def drop_job(*, job_id: int, actor: str, reason: str) -> None:
    """Lay a failed job aside: it is no dead letter any more, and its row goes with those done.

    Parameters
    ----------
    job_id
        Of a job that has failed for good.
    actor, reason
        For the audit log.

    Raises
    ------
    Conflict
        The job has not failed, or somebody was faster.
    InvalidParameter
        There is no reason.
    """
    with on_platform(), transaction.atomic():
        changes = {"state": Job.State.DROPPED}
        _change(job_id, changes, action="job_dropped", actor=actor, reason=reason)


def _change(job_id: int, changes: dict[str, Any], *, action: str, actor: str, reason: str) -> None:
    reason = check_reason(reason)
    job = Job.objects.select_for_update(of=["self"]).select_related("environment").get(pk=job_id)
    if job.state != Job.State.FAILED:
        raise Conflict(f"Job {job_id} is {job.state}; this is for jobs that have failed.")
    Job.objects.filter(pk=job_id).update(**changes)
    record_audit(
        tenant_id=None if job.environment is None else job.environment.tenant_id,
        actor=actor,
        action=action,
        object=f"job:{job_id}",
        reason=reason,
        before={"kind": job.kind, "attempts": job.attempts, "error": job.error},
    )
