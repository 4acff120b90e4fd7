"""Publishes due jobs to Celery, fairly over tenants, and brings back those whose worker died."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from tenants.context import on_platform

# Enough to keep every worker busy between two looks, few enough that a newly queued tenant's job
# does not wait behind another tenant's hundred.
MAX_MESSAGES_IN_FLIGHT = 16
# A message may be lost with Redis; a second one is harmless, since the row decides.
REPUBLISH_SECONDS = 30

Publish = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class DueJob:
    """What a message needs: the task's name, the job and for whom."""

    id: int
    kind: str
    environment_id: int | None


def requeue_lost_jobs() -> int:
    """Queue again what a dead worker held; end what has been tried often enough.

    Returns
    -------
    int
        The number of jobs whose lease had run out.
    """
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tenants_job
               SET state = CASE WHEN attempts < max_attempts THEN 'queued' ELSE 'failed' END,
                   exclusive_key = CASE WHEN attempts < max_attempts THEN exclusive_key END,
                   finished_at = CASE WHEN attempts < max_attempts THEN NULL ELSE now() END,
                   error = 'Its worker stopped before it was done.',
                   lease_until = NULL, published_at = NULL
             WHERE state = 'running' AND lease_until < now()
            """
        )
        return int(cursor.rowcount)


def publish_due_jobs(*, publish: Publish) -> int:
    """Send a message for each due job, the tenant with the fewest in flight first.

    Parameters
    ----------
    publish
        Sends one message: task name and keyword arguments.

    Returns
    -------
    int
        The number of messages sent.
    """
    with on_platform():
        with transaction.atomic():
            due = _take_due()
        for job in due:
            publish(job.kind, {"job_id": job.id, "environment_id": job.environment_id})
    return len(due)


def _take_due() -> list[DueJob]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH in_flight AS (
                SELECT coalesce(environment_id, 0) AS environment, count(*) AS messages
                  FROM tenants_job
                 WHERE state = 'running' OR (state = 'queued'
                       AND published_at > now() - make_interval(secs => %(republish)s))
                 GROUP BY 1
            ), due AS (
                SELECT id, row_number() OVER (
                           PARTITION BY environment_id ORDER BY run_after, id
                       ) + coalesce(messages, 0) AS turn
                  FROM tenants_job
                  LEFT JOIN in_flight ON environment = coalesce(environment_id, 0)
                 WHERE state = 'queued' AND run_after <= now()
                   AND (published_at IS NULL
                        OR published_at <= now() - make_interval(secs => %(republish)s))
                 ORDER BY turn, id
                 LIMIT greatest(0, %(most)s - (SELECT coalesce(sum(messages), 0) FROM in_flight))
            ), taken AS (
                SELECT job.id, due.turn FROM tenants_job job JOIN due USING (id)
                   FOR UPDATE OF job SKIP LOCKED
            )
            UPDATE tenants_job job SET published_at = now()
              FROM taken WHERE job.id = taken.id
            RETURNING job.id, job.kind, job.environment_id, taken.turn
            """,
            {"republish": REPUBLISH_SECONDS, "most": MAX_MESSAGES_IN_FLIGHT},
        )
        rows = sorted(cursor.fetchall(), key=lambda row: (row[3], row[0]))
    return [DueJob(id=row[0], kind=row[1], environment_id=row[2]) for row in rows]
