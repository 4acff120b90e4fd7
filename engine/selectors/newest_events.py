"""Reads the newest events as serving keeps them: who looked at what, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from engine.core.dataset import EVENT_WEIGHTS
from engine.models.event import Event

# The newest are found by the table's own key, however many there are; what is no recent behaviour
# among them is left out after that.
_NEWEST = """
    SELECT person.external_id, visitor.external_id, newest.session_id, ref.ref, newest.type,
        newest.occurred_at
    FROM (SELECT * FROM engine_event ORDER BY id DESC LIMIT %s) AS newest
    JOIN engine_itemref AS ref ON ref.id = newest.item_ref_id
    LEFT JOIN engine_shopper AS person ON person.id = newest.user_id
    LEFT JOIN engine_shopper AS visitor ON visitor.id = newest.anonymous_id
    WHERE newest.source <> %s AND newest.type = ANY(%s)
        AND 'erased' NOT IN (coalesce(person.kind, ''), coalesce(visitor.kind, ''))
        AND newest.received_at > now() - make_interval(secs => %s)
    ORDER BY newest.occurred_at DESC, newest.id DESC
"""


class NewestEvent(NamedTuple):
    """One line of an event that was sent as it happened."""

    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    item_id: str
    type: str
    occurred_at: datetime


def newest_events(*, most: int, seconds: float) -> Iterator[NewestEvent]:
    """Yield events that say something about taste, newest first, inside `in_environment`.

    Parameters
    ----------
    most
        How many of the newest lines are looked at.
    seconds
        How long ago they may have come.
    """
    learned = [name for name, weight in EVENT_WEIGHTS.items() if weight]
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [most, Event.Source.IMPORT, learned, seconds])
        yield from map(NewestEvent._make, cursor)
