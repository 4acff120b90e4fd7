"""The clock's part in training: one look a day at each environment that wants it."""

from __future__ import annotations

from engine.jobs import TRAIN_IF_CHANGED_JOB
from engine.services.queue_daily import queue_daily


def queue_daily_trainings() -> int:
    """Queue today's look for each environment that trains daily; asked again, it adds nothing.

    Returns
    -------
    int
        The number of jobs queued.
    """
    return queue_daily(
        kind=TRAIN_IF_CHANGED_JOB,
        key="train",
        condition="environment.auto_train = 'daily' AND tenant.status = 'active'",
    )
