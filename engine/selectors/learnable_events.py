"""What a store's newest events have to teach: a look that costs the same on any store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from engine.core.dataset import EVENT_WEIGHTS
from engine.selectors.known_refs import IS_KNOWN

# Of the newest lines this many are looked at, and of those that show interest this many counted.
LINES_LOOKED_AT = 50_000
MOST_COUNTED = 2_000
_COUNTS = f"""
    SELECT count(*), count(*) FILTER (WHERE is_known),
        count(*) FILTER (WHERE is_known AND shopper_id IS NOT NULL)
    FROM (
        SELECT coalesce(user_id, anonymous_id) AS shopper_id, {IS_KNOWN} AS is_known
        FROM (
            SELECT type, item_ref_id, user_id, anonymous_id
            FROM engine_event ORDER BY id DESC LIMIT %s
        ) AS newest
        WHERE type = ANY(%s) LIMIT %s
    ) AS liking
"""  # noqa: S608  # made of constants

# Views and purchases come among impressions: of this many lines for each that is wanted.
_LINES_FOR_ONE = 4
_SINCE = f"""
    SELECT count(*) FROM (
        SELECT 1 FROM (
            SELECT type, item_ref_id, received_at FROM engine_event ORDER BY id DESC LIMIT %s
        ) AS newest
        WHERE received_at > %s AND type = ANY(%s) AND {IS_KNOWN} LIMIT %s
    ) AS liking
"""  # noqa: S608  # made of constants


@dataclass(frozen=True, slots=True)
class LearnableEvents:
    """Lines of the newest events, counted to a bound.

    Attributes
    ----------
    liking
        Those that show interest in an item.
    known
        Of these, those about an item of the catalogue: what a model can learn from.
    personal
        Of these, those of a shopper who will be recognised.
    """

    liking: int
    known: int
    personal: int


def learnable_events() -> LearnableEvents:
    """Count what there is to learn, inside `in_environment`."""
    liking = [type_ for type_, weight in EVENT_WEIGHTS.items() if weight > 0]
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [LINES_LOOKED_AT, liking, MOST_COUNTED])
        return LearnableEvents(*cursor.fetchone())


def learnable_since(moment: datetime, *, most: int) -> int:
    """Count the newest lines since a moment that a model can learn from, up to a bound.

    Parameters
    ----------
    moment
        By when the lines were received.
    most
        Where to stop counting; four times as many of the newest lines are looked at.
    """
    liking = [type_ for type_, weight in EVENT_WEIGHTS.items() if weight > 0]
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, [most * _LINES_FOR_ONE, moment, liking, most])
        return int(cursor.fetchone()[0])
