"""The clock's part in retention: one look a day at each environment's oldest events."""

from __future__ import annotations

from engine.jobs import RETENTION_JOB
from engine.services.queue_daily import queue_daily


def queue_daily_retention() -> int:
    """Queue today's look for each environment; asked again, it adds nothing.

    Returns
    -------
    int
        The number of jobs queued.
    """
    return queue_daily(kind=RETENTION_JOB, key="retain", condition="true")
