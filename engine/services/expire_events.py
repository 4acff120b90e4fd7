"""Deletes the events that a plan keeps no longer, with shoppers of whom nothing else is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from django.db import connection

from engine.selectors.newest_moment import newest_moment
from engine.services.refuse_erased import await_writers
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

log = structlog.get_logger()

BATCH_ROWS = 5_000
# From where the last batch ended: what it deleted is still in the index.
_DELETE_EVENTS = """
    WITH gone AS (
        DELETE FROM engine_event WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM engine_event
            WHERE occurred_at >= %s AND occurred_at < %s
            ORDER BY occurred_at LIMIT %s
        ))
        RETURNING occurred_at, user_id, anonymous_id
    )
    SELECT count(*), max(occurred_at),
        array_remove(array_agg(DISTINCT user_id) || array_agg(DISTINCT anonymous_id), NULL)
    FROM gone
"""
# A visitor that was not seen since the link was made.
_DELETE_LINKS = """
    DELETE FROM engine_identitylink AS link
    WHERE anonymous_id = ANY(%b::int[]) AND valid_from < %s
        AND NOT EXISTS (SELECT 1 FROM engine_event WHERE anonymous_id = link.anonymous_id)
"""
# What the store itself said of a user stays until the store takes it back.
_DELETE_SHOPPERS = """
    DELETE FROM engine_shopper AS shopper
    WHERE id = ANY(%b::int[]) AND change_seq = 0
        AND NOT EXISTS (SELECT 1 FROM engine_event WHERE user_id = shopper.id)
        AND NOT EXISTS (SELECT 1 FROM engine_event WHERE anonymous_id = shopper.id)
        AND NOT EXISTS (SELECT 1 FROM engine_identitylink WHERE user_id = shopper.id)
        AND NOT EXISTS (SELECT 1 FROM engine_identitylink WHERE anonymous_id = shopper.id)
"""


def expire_events(*, environment: Environment, job: ClaimedJob) -> None:
    """Run the daily job; opens a short transaction for each batch.

    Days count back from a robust newest event, so that imported history is not deleted as it
    comes, and one stray event deletes nothing.

    Parameters
    ----------
    environment
        Whose events; its tenant's entitlement says how long they are kept.
    job
        Ends with the last batch.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over.
    """
    with in_environment(environment):
        cutoff = _cutoff(environment)
    n_events = n_batch = 0
    after = datetime.min.replace(tzinfo=UTC)
    while cutoff is not None:
        with in_environment(environment):
            ensure_held(job)
            n_batch, after = _expire_batch(environment, after=after, cutoff=cutoff)
        n_events += n_batch
        if n_batch < BATCH_ROWS:
            break
    with in_environment(environment):
        finish_job(job)
    if n_events:
        log.info("events_expired", lines=n_events, before=str(cutoff))


def _cutoff(environment: Environment) -> datetime | None:
    """Return from when events are kept; None where nothing says so."""
    with on_platform():
        entitlement = Entitlement.objects.filter(tenant=environment.tenant_id).first()
    newest = newest_moment()
    if entitlement is None or newest is None:
        return None
    return newest - timedelta(days=entitlement.retention_days)


def _expire_batch(
    environment: Environment, *, after: datetime, cutoff: datetime
) -> tuple[int, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_EVENTS, [after, cutoff, BATCH_ROWS])
        n_lines, until, shoppers = cursor.fetchone()
        if shoppers:
            # Nobody must be storing an event of a shopper who is about to go.
            await_writers(environment)
            cursor.execute(_DELETE_LINKS, [shoppers, cutoff])
            cursor.execute(_DELETE_SHOPPERS, [shoppers])
    return n_lines, until or cutoff
