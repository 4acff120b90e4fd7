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
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.context import on_platform
from tenants.errors import LeaseLostError
from tenants.models.job import Job
from tenants.services.wake_dispatcher import JOBS_CHANNEL

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

    @property
    def is_exhausted(self) -> bool:
        """Say whether every attempt was lost with its worker, so that only the end is left."""
        return self.attempts > self.max_attempts


def claim_job(*, job_id: int, kind: str, environment_id: int | None) -> ClaimedJob | None:
    """Take a due job with one UPDATE.

    Messages may be late, doubled or wrong; the row decides.

    Parameters
    ----------
    job_id, kind, environment_id
        What the message says; a row that says otherwise is left alone.

    Returns
    -------
    ClaimedJob or None
        `None` where the job is done, held, not due, or of another kind or environment.
    """
    with on_platform(), connection.cursor() as cursor:
        # The place that the claim leaves in the queue is the dispatcher's to fill.
        cursor.execute(
            """
            WITH claimed AS (
                UPDATE tenants_job
                   SET state = 'running', attempts = attempts + 1,
                       fencing_token = fencing_token + 1,
                       lease_until = now() + make_interval(secs => %s)
                 WHERE id = %s AND kind = %s AND environment_id IS NOT DISTINCT FROM %s
                   AND state = 'queued' AND run_after <= now()
                RETURNING *
            )
            SELECT id, kind, environment_id, payload::text, attempts, max_attempts, fencing_token,
                   pg_notify(%s, '')
              FROM claimed
            """,
            [float(settings.JOB_LEASE_SECONDS), job_id, kind, environment_id, JOBS_CHANNEL],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return ClaimedJob(row[0], row[1], row[2], orjson.loads(row[3]), row[4], row[5], row[6])


@contextmanager
def lease_kept_alive(job: ClaimedJob) -> Iterator[None]:
    """Renew the lease from a thread for as long as the block runs and nobody else has the job."""
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(settings.JOB_LEASE_SECONDS / 3):
            if not _renew(job):
                return

    thread = threading.Thread(target=renew, name=f"lease-{job.id}", daemon=True)
    thread.start()
    try:
        yield
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
            return bool(cursor.rowcount == 1)
    except DatabaseError as error:
        # PostgreSQL is away; whether the lease outlives that is for the row to say.
        log.warning("job_lease_not_renewed", job=job.id, error=str(error))
        return True
    finally:
        # A connection that broke must not be met again at the next renewal.
        connection.close()


def ensure_held(job: ClaimedJob) -> None:
    """Check inside a transaction that what it writes is still this worker's to write.

    Raises
    ------
    LeaseLostError
        Another worker holds the job now.
    """
    with on_platform(), connection.cursor() as cursor:
        # The lock keeps a new claim waiting until this transaction has ended.
        cursor.execute(
            "SELECT 1 FROM tenants_job WHERE id = %s AND state = 'running' AND fencing_token = %s "
            "FOR SHARE",
            [job.id, job.fencing_token],
        )
        if cursor.fetchone() is None:
            raise _lost(job)


def finish_job(job: ClaimedJob, *, forgets_payload: bool = False) -> None:
    """Mark the job done inside the transaction of its effect.

    Parameters
    ----------
    forgets_payload
        Whether the row keeps nothing of what it was about.

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
            **({"payload": {}} if forgets_payload else {}),
        )
    if not updated:
        raise _lost(job)


def fail_job(job: ClaimedJob, *, reason: str, retry_in: timedelta | None) -> bool:
    """Record why a run of the job failed: queue it again, or end it.

    Parameters
    ----------
    reason
        One sentence, kept on the row.
    retry_in
        How long to wait before the next attempt; `None` ends the job.

    Returns
    -------
    bool
        Whether the job has ended now, by this worker.
    """
    is_final = retry_in is None or job.is_last_attempt
    if retry_in is None or is_final:
        changes: dict[str, Any] = {
            "state": Job.State.FAILED,
            "exclusive_key": None,
            "finished_at": timezone.now(),
        }
    else:
        changes = {
            "state": Job.State.QUEUED,
            # By the clock that says what is due; a worker's may be off.
            "run_after": Now() + retry_in,
            "published_at": None,
        }
    with on_platform():
        updated = _held(job).update(lease_until=None, error=reason, **changes)
    return bool(updated) and is_final


def requeue_job(job: ClaimedJob) -> None:
    """Give back a job that has gone forward and has more to do; it is due at once."""
    with on_platform():
        _held(job).update(state=Job.State.QUEUED, lease_until=None, published_at=None)


def _held(job: ClaimedJob) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.id, state=Job.State.RUNNING, fencing_token=job.fencing_token)


def _lost(job: ClaimedJob) -> LeaseLostError:
    return LeaseLostError(f"Job {job.id} is not held with the token {job.fencing_token} any more.")
