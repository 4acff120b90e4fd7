"""The clock's part after a loss of Redis: each environment's recent events are to be refilled."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError

from engine.jobs import REFILL_JOB
from saas.lib.redis_client import redis_client
from tenants.services.enqueue_jobs import enqueue_jobs

log = structlog.get_logger()

# Holds the run of the server that was refilled. A server that lost its memory lacks it; one that
# came back with an old copy of it, or took over from another, has a run of its own.
REFILLED_RUN = "sw:refilled-run"

_QUEUE = """
    INSERT INTO tenants_job (environment_id, kind, payload, state, attempts, max_attempts,
        fencing_token, run_after, exclusive_key, error, created_at)
    SELECT environment.id, %s, '{}', 'queued', 0, 3, 0, now(), 'refill:' || environment.id, '',
           now()
      FROM tenants_environment environment
      JOIN tenants_tenant tenant ON tenant.id = environment.tenant_id
     WHERE environment.deleted_at IS NULL AND tenant.status = 'active'
    ON CONFLICT DO NOTHING
"""


def queue_refills() -> int:
    """Queue a refill for each environment where Redis has been lost since the last one.

    Returns
    -------
    int
        The number of jobs queued; 0 while Redis is away.
    """
    try:
        run = str(redis_client().info("server")["run_id"])
        if redis_client().get(REFILLED_RUN) == run.encode():
            return 0
    except RedisError as error:
        log.warning("redis_not_looked_at", error=type(error).__name__)
        return 0
    queued = enqueue_jobs(_QUEUE, [REFILL_JOB])
    # After the commit: a crash in between queues them again.
    redis_client().set(REFILLED_RUN, run)
    log.info("refills_queued", count=queued)
    return queued
