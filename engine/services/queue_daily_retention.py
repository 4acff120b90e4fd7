"""The clock's part in retention: one look a day at each environment's oldest events."""

from __future__ import annotations

from django.db import connection, transaction

from engine.jobs import RETENTION_JOB
from engine.services.queue_daily_trainings import MINUTES_OF_NIGHT
from tenants.context import on_platform
from tenants.services.wake_dispatcher import wake_dispatcher

_QUEUE = """
    INSERT INTO tenants_job (environment_id, kind, payload, state, attempts, max_attempts,
        fencing_token, run_after, dedupe_key, error, created_at)
    SELECT wanted.id, %s, '{}', 'queued', 0, 3, 0, wanted.run_after, wanted.key, '', now()
      FROM (SELECT environment.id, 'retain:' || environment.id || ':' || today.date AS key,
                   today.date AT TIME ZONE 'UTC'
                       + make_interval(mins => (environment.id %% %s)::int) AS run_after
              FROM tenants_environment environment
             CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date) AS today(date)
             WHERE environment.deleted_at IS NULL) wanted
     WHERE NOT EXISTS (SELECT 1 FROM tenants_job WHERE dedupe_key = wanted.key)
    ON CONFLICT DO NOTHING
"""


def queue_daily_retention() -> int:
    """Queue today's look for each environment; asked again, it adds nothing.

    Returns
    -------
    int
        The number of jobs queued.
    """
    with on_platform(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_QUEUE, [RETENTION_JOB, MINUTES_OF_NIGHT])
        queued = int(cursor.rowcount)
        if queued:
            wake_dispatcher()
    return queued
