"""How much work is waiting: what the dispatcher measures."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from tenants.context import on_platform


@dataclass(frozen=True, slots=True)
class JobLoad:
    """Unfinished jobs, and the seconds that the oldest due one has waited."""

    queued: int
    running: int
    oldest_due_seconds: float


def job_load() -> JobLoad:
    """Return the job table's load; reads the index of unfinished jobs alone."""
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE state = 'queued'),
                   count(*) FILTER (WHERE state = 'running'),
                   coalesce(extract(epoch FROM now() - min(run_after)
                       FILTER (WHERE state = 'queued' AND run_after <= now())), 0)
              FROM tenants_job WHERE state IN ('queued', 'running')
            """
        )
        queued, running, oldest = cursor.fetchone()
    return JobLoad(queued=int(queued), running=int(running), oldest_due_seconds=float(oldest))
