"""From when a store's days count back: its newest moment with events enough behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from django.db import connection

from engine.core.recency import robust_newest_seconds

# As many as the robust newest time ever asks for, and far more than strays.
_NEWEST = """
    SELECT extract(epoch FROM occurred_at)::bigint FROM engine_event
    ORDER BY occurred_at DESC LIMIT 10000
"""


def newest_moment() -> datetime | None:
    """Return it to the second, inside `in_environment`; None without events."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST)
        seconds = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1)
    if not len(seconds):
        return None
    return datetime.fromtimestamp(robust_newest_seconds(seconds), tz=UTC)
