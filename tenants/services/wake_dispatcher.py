"""Tells the dispatcher that there is work, when the surrounding transaction commits."""

from __future__ import annotations

from django.db import connection

# The dispatcher listens here, so that work starts at commit and not at its next look.
JOBS_CHANNEL = "shelfwise_jobs"


def wake_dispatcher() -> None:
    """Notify the dispatcher; call on the platform, inside the transaction that made the work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [JOBS_CHANNEL])
