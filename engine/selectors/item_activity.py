"""What shoppers did with one item lately; bounded, however many of its events there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# An item with more of them is looked for among the store's newest lines instead.
MOST_EVENTS = 5_000
NEWEST_LINES = 20_000
_OWN = """item_ref_id = ANY(ARRAY(
    SELECT ref.id FROM engine_itemref AS ref
    WHERE ref.item_id = (SELECT id FROM engine_item WHERE item_id = %s)
))"""
_EVENTS = f"""
    SELECT type, occurred_at, recommendation_id FROM engine_event
    WHERE {_OWN} LIMIT {MOST_EVENTS}
"""  # noqa: S608  # made of constants
_NEWEST = f"""
    SELECT type, occurred_at, recommendation_id FROM (
        SELECT * FROM engine_event ORDER BY id DESC LIMIT {NEWEST_LINES}
    ) AS newest WHERE {_OWN}
"""  # noqa: S608  # made of constants
_COUNTS = """
    SELECT type, count(*), count(*) FILTER (WHERE occurred_at > %s - interval '7 days'),
        count(recommendation_id), max(occurred_at)
    FROM ({events}) AS own GROUP BY type ORDER BY count(*) DESC, type
"""


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Events of one type.

    Attributes
    ----------
    recommended
        Those that carry a recommendation_id.
    """

    type: str
    events: int
    last_week: int
    recommended: int
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class ItemActivity:
    """An item's events by type, commonest first.

    Attributes
    ----------
    is_partial
        There are more of them; these are those among the store's newest `NEWEST_LINES` lines.
    """

    types: list[TypeCount]
    is_partial: bool


def item_activity(item_id: str, *, until: datetime) -> ItemActivity:
    """Count an item's events, under its id and aliases, inside `in_environment`.

    Parameters
    ----------
    until
        From when the last week counts back.
    """
    types = _counted(_EVENTS, item_id, until)
    if sum(each.events for each in types) < MOST_EVENTS:
        return ItemActivity(types, is_partial=False)
    return ItemActivity(_counted(_NEWEST, item_id, until), is_partial=True)


def _counted(events: str, item_id: str, until: datetime) -> list[TypeCount]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(events=events), [until, item_id])
        return [TypeCount(*row) for row in cursor]
