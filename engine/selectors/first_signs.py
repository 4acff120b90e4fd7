"""How far a store has come on its way to the first click on a recommendation."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from engine.models.item import Item

# Counting stops here, so that a look costs the same on a large store.
MOST_COUNTED = 1_000
_LINES_LOOKED_AT = 50_000
_COUNTS = """
    SELECT
        (SELECT count(*) FROM (
            SELECT 1 FROM engine_item WHERE deleted_at IS NULL LIMIT %(most)s
        ) AS items),
        (SELECT count(*) FROM (SELECT 1 FROM engine_event LIMIT %(most)s) AS lines),
        (SELECT count(*) FROM (
            SELECT 1 FROM (
                SELECT type, recommendation_id FROM engine_event ORDER BY id DESC LIMIT %(lines)s
            ) AS newest
            WHERE type = 'click' AND recommendation_id IS NOT NULL LIMIT %(most)s
        ) AS clicks)
"""


@dataclass(frozen=True, slots=True)
class FirstSigns:
    """What has come, counted to a bound.

    Attributes
    ----------
    lines
        Of events: one about three items has three.
    clicks
        Those of the newest that name the recommendation that they followed.
    """

    items: int
    lines: int
    clicks: int


def first_signs() -> FirstSigns:
    """Return what has come, inside `in_environment`; bounded on any store."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"most": MOST_COUNTED, "lines": _LINES_LOOKED_AT})
        return FirstSigns(*cursor.fetchone())


def has_items() -> bool:
    """Say whether the catalogue has any item, inside `in_environment`."""
    return Item.objects.filter(deleted_at__isnull=True).exists()
