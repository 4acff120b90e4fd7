"""Publishes due jobs to Celery, fairly over tenants, and brings back those whose worker died."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction

from tenants.context import on_platform
from tenants.jobs import DEFAULT_QUEUE

# Enough to keep every worker busy between two looks, few enough that a newly queued tenant's job
# does not wait behind another tenant's hundred. Each queue's are counted apart.
MAX_WAITING_MESSAGES = 8

Publish = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class DueJob:
    """What a message needs: the task's name, the job and for whom."""

    id: int
    kind: str
    environment_id: int | None


def requeue_lost_jobs() -> int:
    """Queue again what a dead worker held.

    Where all attempts are used up, one more claim follows, which only records the end; when even
    that one is lost, the job ends here.

    Returns
    -------
    int
        The number of jobs whose lease had run out.
    """
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tenants_job
               SET state = CASE WHEN attempts <= max_attempts THEN 'queued' ELSE 'failed' END,
                   exclusive_key = CASE WHEN attempts <= max_attempts THEN exclusive_key END,
                   finished_at = CASE WHEN attempts <= max_attempts THEN NULL ELSE now() END,
                   error = 'Its worker stopped before it was done.',
                   lease_until = NULL, published_at = NULL
             WHERE state = 'running' AND lease_until < now()
            """
        )
        return int(cursor.rowcount)


def publish_due_jobs(
    *, publish: Publish, queues: Mapping[str, str], waiting: Mapping[str, int]
) -> int:
    """Send a message for each due job, the tenant with the fewest in flight first.

    A message that was sent some time ago is sent again only where fewer wait than were sent: then
    Redis has lost one, and its workers are not just busy or away.

    Parameters
    ----------
    publish
        Sends one message: task name and keyword arguments.
    queues
        The queue of each kind that is not in the default one, so that it never holds up the others.
    waiting
        How many messages of each queue no worker has taken yet.

    Returns
    -------
    int
        The number of messages sent.

    Raises
    ------
    Exception
        What `publish` raised; the jobs not sent are due again at once.
    """
    with on_platform(), transaction.atomic():
        due = _take_due(queues, waiting)
    for sent, job in enumerate(due):
        try:
            publish(job.kind, {"job_id": job.id, "environment_id": job.environment_id})
        except Exception:
            _give_back(due[sent:])
            raise
    return len(due)


def _take_due(queues: Mapping[str, str], waiting: Mapping[str, int]) -> list[DueJob]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH found AS (
                SELECT id, environment_id, run_after,
                       coalesce(%(queues)s::jsonb ->> kind, %(default)s) AS queue,
                       state = 'running' AS is_running,
                       state = 'queued' AND published_at IS NOT NULL AS is_sent,
                       published_at > %(stale)s AS is_fresh
                  FROM tenants_job
                 WHERE state IN ('queued', 'running') AND run_after <= now()
            ), unfinished AS (
                SELECT *, is_sent AND (is_fresh
                           OR coalesce((%(waiting)s::jsonb ->> queue)::int, 0)
                               >= count(*) FILTER (WHERE is_sent) OVER (PARTITION BY queue)
                       ) AS is_waiting
                  FROM found
            ), in_flight AS (
                SELECT environment_id, queue, count(*) AS jobs
                  FROM unfinished WHERE is_running OR is_waiting GROUP BY 1, 2
            ), in_turn AS (
                SELECT id, due.queue, coalesce(jobs, 0) + row_number() OVER (
                           PARTITION BY due.environment_id, due.queue ORDER BY run_after, id
                       ) AS turn
                  FROM unfinished due
                  LEFT JOIN in_flight ON in_flight.queue = due.queue
                       AND in_flight.environment_id IS NOT DISTINCT FROM due.environment_id
                 WHERE NOT (is_running OR is_waiting)
            ), placed AS (
                SELECT id, queue,
                       row_number() OVER (PARTITION BY queue ORDER BY turn, id) AS place
                  FROM in_turn
            ), taken AS (
                SELECT job.id, place
                  FROM placed JOIN tenants_job job USING (id)
                 WHERE place <= %(most)s - (SELECT count(*) FROM unfinished
                             WHERE is_waiting AND unfinished.queue = placed.queue)
                   -- Asked again under the row's lock: another dispatcher may have been here.
                   AND job.state = 'queued'
                   AND (job.published_at IS NULL OR job.published_at <= %(stale)s)
                   FOR UPDATE OF job SKIP LOCKED
            )
            UPDATE tenants_job job SET published_at = now()
              FROM taken WHERE job.id = taken.id
            RETURNING job.id, job.kind, job.environment_id, place
            """.replace("%(stale)s", "now() - make_interval(secs => %(republish)s)"),
            {
                "queues": orjson.dumps(dict(queues)).decode(),
                "default": DEFAULT_QUEUE,
                "waiting": orjson.dumps(dict(waiting)).decode(),
                # Redis may lose a message as a worker may lose a job, and it is missed as soon;
                # a second one is harmless, since the row decides.
                "republish": float(settings.JOB_LEASE_SECONDS),
                "most": MAX_WAITING_MESSAGES,
            },
        )
        rows = sorted(cursor.fetchall(), key=lambda row: (row[3], row[0]))
    return [DueJob(id=row[0], kind=row[1], environment_id=row[2]) for row in rows]


def _give_back(jobs: Sequence[DueJob]) -> None:
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tenants_job SET published_at = NULL WHERE id = ANY(%s) AND state = 'queued'",
            [[job.id for job in jobs]],
        )
