"""The clock's part in what staff see: each environment is measured, live ones once an hour."""

from __future__ import annotations

from engine.jobs import ROLL_UP_JOB
from tenants.services.enqueue_jobs import enqueue_jobs

# Stores take turns through their hour or day, from the moment at which they are first seen.
_QUEUE = """
    INSERT INTO tenants_job (environment_id, kind, payload, state, attempts, max_attempts,
        fencing_token, run_after, dedupe_key, error, created_at)
    SELECT wanted.id, %s, '{}', 'queued', 0, 3, 0, now(), wanted.key, '', now()
      FROM (SELECT environment.id,
                   'roll-up:' || environment.id || ':' || CASE environment.kind
                       WHEN 'live' THEN 'h' || floor(minute.now / 60 + environment.id %% 60 / 60.0)
                       ELSE 'd' || floor((minute.now + environment.id %% 1440) / 1440) END AS key
              FROM tenants_environment environment
             CROSS JOIN (SELECT extract(epoch FROM now()) / 60) AS minute(now)
             WHERE environment.deleted_at IS NULL) wanted
     WHERE NOT EXISTS (SELECT 1 FROM tenants_job WHERE dedupe_key = wanted.key)
    ON CONFLICT DO NOTHING
"""


def queue_roll_ups() -> int:
    """Queue what is due of each environment; asked again, it adds nothing.

    Returns
    -------
    int
        The number of jobs queued.
    """
    return enqueue_jobs(_QUEUE, [ROLL_UP_JOB])
