"""What the newest events say of their clocks, and of the recommendations that led to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

# From how late to how late an event came, in seconds; below zero is ahead of our clock.
DELAYS: Sequence[tuple[str, float, float]] = (
    ("More than a minute ahead of our clock", float("-inf"), -60),
    ("Within a minute", -60, 60),
    ("1 to 60 minutes late", 60, 3_600),
    ("1 to 24 hours late", 3_600, 86_400),
    ("More than a day late", 86_400, float("inf")),
)
_NEWEST = """
    SELECT type, source, recommendation_id, occurred_at, received_at
    FROM engine_event WHERE line = 0 ORDER BY id DESC LIMIT %s
"""
_BY_TYPE = f"""
    SELECT type, count(*), count(recommendation_id) FROM ({_NEWEST}) AS newest
    GROUP BY type ORDER BY count(*) DESC, type LIMIT 20
"""  # noqa: S608  # made of constants
_DELAYS = f"""
    SELECT width_bucket(extract(epoch FROM received_at - occurred_at)::float8, %s::float8[]),
        count(*)
    FROM ({_NEWEST}) AS newest WHERE source <> 'import' GROUP BY 1
"""  # noqa: S608  # made of constants


@dataclass(frozen=True, slots=True)
class TypeSignal:
    """Events of one type, and those that name the recommendation that they answer."""

    type: str
    events: int
    matched: int

    @property
    def percent(self) -> float:
        """Return the share of those that do."""
        return 100 * self.matched / self.events


def matched_by_type(*, most: int) -> list[TypeSignal]:
    """Return the newest events by type, commonest first, inside `in_environment`."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_TYPE, [most])
        return [TypeSignal(*row) for row in cursor]


def delays(*, most: int) -> list[int]:
    """Return how many of the newest events came how late, by `DELAYS`; files aside."""
    counts = [0] * len(DELAYS)
    with connection.cursor() as cursor:
        cursor.execute(_DELAYS, [[start for _, start, _ in DELAYS[1:]], most])
        for bucket, count in cursor:
            counts[bucket] = count
    return counts
