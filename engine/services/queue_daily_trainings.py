"""The clock's part in training: one look a day at each environment that wants it."""

from __future__ import annotations

from django.db import connection, transaction

from engine.jobs import TRAIN_IF_CHANGED_JOB
from tenants.context import on_platform
from tenants.services.wake_dispatcher import wake_dispatcher

# Stores take turns through the night, so that the workers are not asked for all at once.
MINUTES_OF_NIGHT = 240


def queue_daily_trainings() -> int:
    """Queue today's look for each environment that trains daily; asked again, it adds nothing.

    Returns
    -------
    int
        The number of jobs queued.
    """
    with on_platform(), transaction.atomic(), connection.cursor() as cursor:
        # The keys seen already are left out first: a conflict would cost a number each time.
        cursor.execute(
            """
            INSERT INTO tenants_job (environment_id, kind, payload, state, attempts, max_attempts,
                fencing_token, run_after, dedupe_key, error, created_at)
            SELECT wanted.id, %s, '{}', 'queued', 0, 3, 0, wanted.run_after, wanted.key, '', now()
              FROM (SELECT environment.id, 'train:' || environment.id || ':' || today.date AS key,
                           today.date AT TIME ZONE 'UTC'
                               + make_interval(mins => (environment.id %% %s)::int) AS run_after
                      FROM tenants_environment environment
                      JOIN tenants_tenant tenant ON tenant.id = environment.tenant_id
                     CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date) AS today(date)
                     WHERE environment.auto_train = 'daily' AND environment.deleted_at IS NULL
                       AND tenant.status = 'active') wanted
             WHERE NOT EXISTS (SELECT 1 FROM tenants_job WHERE dedupe_key = wanted.key)
            ON CONFLICT DO NOTHING
            """,
            [TRAIN_IF_CHANGED_JOB, MINUTES_OF_NIGHT],
        )
        queued = int(cursor.rowcount)
        if queued:
            wake_dispatcher()
    return queued
