"""Queues at once what one statement makes of many rows: the clock's way to durable work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from tenants.context import on_platform
from tenants.services.wake_dispatcher import wake_dispatcher


def enqueue_jobs(insert: str, parameters: Sequence[Any]) -> int:
    """Run an INSERT into the job table in a transaction of its own, and wake the dispatcher.

    Parameters
    ----------
    insert, parameters
        The statement, which leaves out what is queued already.

    Returns
    -------
    int
        The number of jobs queued.
    """
    with on_platform(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(insert, parameters)
        queued = int(cursor.rowcount)
        if queued:
            wake_dispatcher()
    return queued
