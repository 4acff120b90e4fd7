"""The clock's part in feeds: a look at each file whose time has come."""

from __future__ import annotations

from engine.jobs import FEED_JOB
from tenants.models.feed import INTERVALS
from tenants.services.enqueue_jobs import enqueue_jobs

# A thousand stores whose feeds are due at one hour are queued within some looks of the clock.
MOST_AT_ONCE = 200

_QUEUE = """
    WITH due AS (
        SELECT feed.id, feed.environment_id, feed.next_run_at, step.seconds
          FROM tenants_feed feed
          JOIN unnest(%s::text[], %s::float8[]) AS step (every, seconds)
               ON step.every = feed.every
          JOIN tenants_environment environment ON environment.id = feed.environment_id
          JOIN tenants_tenant tenant ON tenant.id = environment.tenant_id
         WHERE feed.next_run_at <= now() AND tenant.status = 'active'
           AND environment.deleted_at IS NULL
         ORDER BY feed.next_run_at LIMIT %s
           FOR UPDATE OF feed SKIP LOCKED
    ), moved AS (
        UPDATE tenants_feed feed
           SET next_run_at = due.next_run_at + make_interval(secs => due.seconds * (
                   1 + floor(extract(epoch FROM now() - due.next_run_at) / due.seconds)))
          FROM due WHERE feed.id = due.id
    )
    INSERT INTO tenants_job (environment_id, kind, payload, state, attempts, max_attempts,
        fencing_token, run_after, dedupe_key, exclusive_key, error, created_at)
    SELECT environment_id, %s, jsonb_build_object('feed_id', id), 'queued', 0, 3, 0, now(),
           'feed:' || id || ':' || extract(epoch FROM next_run_at)::bigint, 'feed:' || id,
           '', now()
      FROM due
    ON CONFLICT DO NOTHING
"""


def queue_due_feeds() -> int:
    """Queue a run of each feed that is due and set its next time; asked again, it adds nothing.

    A run that is queued or under way still stands for this one. The times keep their distance
    from each other, and those that were missed are not made up for.

    Returns
    -------
    int
        The number of jobs queued.
    """
    names = list(INTERVALS)
    seconds = [INTERVALS[name].total_seconds() for name in names]
    return enqueue_jobs(_QUEUE, [names, seconds, MOST_AT_ONCE, FEED_JOB])
