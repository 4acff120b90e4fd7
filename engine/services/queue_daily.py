"""The clock's daily look at environments: one job each, spread over the night."""

from __future__ import annotations

from typing import LiteralString

from tenants.services.enqueue_jobs import enqueue_jobs

# Stores take turns through the night, so that the workers are not asked for all at once.
MINUTES_OF_NIGHT = 240

# The keys seen already are left out first: a conflict would cost a number each time.
_QUEUE = """
    INSERT INTO tenants_job (environment_id, kind, payload, state, attempts, max_attempts,
        fencing_token, run_after, dedupe_key, error, created_at)
    SELECT wanted.id, %s, '{{}}', 'queued', 0, 3, 0, wanted.run_after, wanted.key, '', now()
      FROM (SELECT environment.id, %s::text || ':' || environment.id || ':' || today.date AS key,
                   today.date AT TIME ZONE 'UTC'
                       + make_interval(mins => (environment.id %% %s)::int) AS run_after
              FROM tenants_environment environment
              JOIN tenants_tenant tenant ON tenant.id = environment.tenant_id
             CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date) AS today(date)
             WHERE environment.deleted_at IS NULL AND {condition}) wanted
     WHERE NOT EXISTS (SELECT 1 FROM tenants_job WHERE dedupe_key = wanted.key)
    ON CONFLICT DO NOTHING
"""


def queue_daily(*, kind: str, key: str, condition: LiteralString) -> int:
    """Queue today's job for each environment that meets a condition; asked again, it adds nothing.

    Parameters
    ----------
    kind
        The job's.
    key
        What its dedupe keys begin with.
    condition
        SQL about `environment` and its `tenant`.

    Returns
    -------
    int
        The number of jobs queued.
    """
    return enqueue_jobs(_QUEUE.format(condition=condition), [kind, key, MINUTES_OF_NIGHT])
