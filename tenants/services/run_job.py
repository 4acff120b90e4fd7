"""Claims a job, keeps its lease alive, and commits its effect and its end together, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from tenants.context import on_platform
from tenants.errors import LeaseLostError
from tenants.models.job import Job

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker holds, as long as nobody else has claimed it with a newer token."""

    id: int
    kind: str
    environment_id: int | None
    payload: dict[str, Any]
    attempts: int
    max_attempts: int
    fencing_token: int

    @property
    def is_last_attempt(self) -> bool:
        """Say whether a failure now is final."""
        return self.attempts >= self.max_attempts


def claim_job(*, job_id: int) -> ClaimedJob | None:
    """Take a due job with one UPDATE; `None` where it is done, held or not due.

    Parameters
    ----------
    job_id
        The job that a message named. Messages may be late or doubled; the row decides.
    """
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tenants_job
               SET state = 'running', attempts = attempts + 1, fencing_token = fencing_token + 1,
                   lease_until = now() + make_interval(secs => %s)
             WHERE id = %s AND state = 'queued' AND run_after <= now()
            RETURNING id, kind, environment_id, payload::text, attempts, max_attempts, fencing_token
            """,
            [float(settings.JOB_LEASE_SECONDS), job_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return ClaimedJob(row[0], row[1], row[2], orjson.loads(row[3]), row[4], row[5], row[6])


@contextmanager
def lease_kept_alive(job: ClaimedJob) -> Iterator[threading.Event]:
    """Renew the lease from a thread; the event it yields is set when the lease is lost."""
    stop, lost = threading.Event(), threading.Event()

    def renew() -> None:
        try:
            while not stop.wait(settings.JOB_LEASE_SECONDS / 3):
                if not _renew(job):
                    lost.set()
                    return
        finally:
            connection.close()

    thread = threading.Thread(target=renew, name=f"lease-{job.id}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        stop.set()
        thread.join()


def _renew(job: ClaimedJob) -> bool:
    try:
        with on_platform(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tenants_job SET lease_until = now() + make_interval(secs => %s) "
                "WHERE id = %s AND state = 'running' AND fencing_token = %s",
                [float(settings.JOB_LEASE_SECONDS), job.id, job.fencing_token],
            )
            return cursor.rowcount == 1
    except Exception as error:  # noqa: BLE001  # PostgreSQL away: the lease decides, not this thread
        log.warning("job_lease_not_renewed", job=job.id, error=str(error))
        return True


def finish_job(job: ClaimedJob) -> None:
    """Mark the job done inside the transaction of its effect.

    Raises
    ------
    LeaseLostError
        Another worker holds the job now; the caller's transaction must roll back.
    """
    with on_platform():
        updated = _held(job).update(
            state=Job.State.DONE,
            exclusive_key=None,
            lease_until=None,
            error="",
            finished_at=timezone.now(),
        )
    if not updated:
        raise LeaseLostError(f"Job {job.id} is held with a newer token than {job.fencing_token}.")


def fail_job(job: ClaimedJob, *, reason: str, retry_in: timedelta | None) -> None:
    """Record why a run of the job failed: queue it again, or end it.

    Parameters
    ----------
    reason
        One sentence, kept on the row.
    retry_in
        How long to wait before the next attempt; `None` ends the job.
    """
    if retry_in is not None and not job.is_last_attempt:
        changes: dict[str, Any] = {
            "state": Job.State.QUEUED,
            "run_after": timezone.now() + retry_in,
            "published_at": None,
        }
    else:
        changes = {
            "state": Job.State.FAILED,
            "exclusive_key": None,
            "finished_at": timezone.now(),
        }
    with on_platform():
        _held(job).update(lease_until=None, error=reason, **changes)


def _held(job: ClaimedJob) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.id, state=Job.State.RUNNING, fencing_token=job.fencing_token)
