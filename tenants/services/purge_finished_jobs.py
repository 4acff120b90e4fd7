"""Forgets jobs that ended long ago, so that the table stays as small as the work in it."""

from __future__ import annotations

from tenants.services.delete_some import delete_some

# Longer than any dedupe key is asked for again: periodic work names its day or its hour.
DONE_DAYS = 30
# What failed is looked into, sometimes for a quarter's figures.
FAILED_DAYS = 100
MOST_AT_ONCE = 5_000


def purge_finished_jobs() -> int:
    """Delete some of the jobs that ended too long ago; asked again, it deletes the next ones.

    Returns
    -------
    int
        How many went.
    """
    return delete_some(
        table="tenants_job",
        condition="""
            finished_at < now() - CASE state
                WHEN 'done' THEN make_interval(days => %s)
                WHEN 'dropped' THEN make_interval(days => %s)
                WHEN 'failed' THEN make_interval(days => %s) END
        """,
        parameters=[DONE_DAYS, DONE_DAYS, FAILED_DAYS],
        order="id",
        most=MOST_AT_ONCE,
    )
