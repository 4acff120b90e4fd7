"""The clock's part in trends: a look at each store that has a model, once an hour."""

from __future__ import annotations

from engine.jobs import TRENDS_JOB
from tenants.services.enqueue_jobs import enqueue_jobs

# Stores take turns through the hour. A new model has its first look at once.
_QUEUE = """
    INSERT INTO tenants_job (environment_id, kind, payload, state, attempts, max_attempts,
        fencing_token, run_after, dedupe_key, error, created_at)
    SELECT wanted.id, %s, '{}', 'queued', 0, 3, 0, now(), wanted.key, '', now()
      FROM (SELECT environment.id,
                   'trends:' || environment.id || ':' || environment.live_version || ':'
                       || floor((extract(epoch FROM now()) / 60 + environment.id %% 60) / 60)
                       AS key
              FROM tenants_environment environment
              JOIN tenants_tenant tenant ON tenant.id = environment.tenant_id
             WHERE environment.deleted_at IS NULL AND environment.live_version IS NOT NULL
               AND tenant.status = 'active') wanted
     WHERE NOT EXISTS (SELECT 1 FROM tenants_job WHERE dedupe_key = wanted.key)
    ON CONFLICT DO NOTHING
"""


def queue_trends() -> int:
    """Queue this hour's look for each environment with a model; asked again, it adds nothing.

    Returns
    -------
    int
        The number of jobs queued.
    """
    return enqueue_jobs(_QUEUE, [TRENDS_JOB])
