"""Forgets jobs that ended long ago, so that the table stays as small as the work in it."""

from __future__ import annotations

from django.db import connection

from tenants.context import on_platform

# Longer than any dedupe key is asked for again: periodic work names its day or its hour.
DONE_DAYS = 30
# What failed is looked into, sometimes for a quarter's figures.
FAILED_DAYS = 100
# Few enough that nothing waits for their locks.
MOST_AT_ONCE = 5_000


def purge_finished_jobs() -> int:
    """Delete some of the jobs that ended too long ago; asked again, it deletes the next ones.

    Returns
    -------
    int
        How many went.
    """
    with on_platform(), connection.cursor() as cursor:
        # An array, since a plan may run what stands behind IN once for each row, LIMIT and all.
        cursor.execute(
            """
            DELETE FROM tenants_job
             WHERE id = ANY(ARRAY(
                SELECT id FROM tenants_job
                 WHERE finished_at < now() - CASE state
                           WHEN 'done' THEN make_interval(days => %s)
                           WHEN 'failed' THEN make_interval(days => %s) END
                 LIMIT %s FOR UPDATE SKIP LOCKED))
            """,
            [DONE_DAYS, FAILED_DAYS, MOST_AT_ONCE],
        )
        return int(cursor.rowcount)
