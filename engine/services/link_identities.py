"""Joins anonymous visitors with the users that they turned out to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import connection

# Nothing is added where the visitor is that user at that time already.
_LINK = """
    WITH sighting AS (
        SELECT sent.anonymous_id, sent.user_id, sent.at,
            (
                SELECT id FROM engine_shopper
                WHERE kind = 'anonymous' AND external_id = sent.anonymous_id
            ) AS visitor,
            (
                SELECT id FROM engine_shopper WHERE kind = 'user' AND external_id = sent.user_id
            ) AS shopper
        FROM unnest(%b::text[], %b::text[], %b::timestamptz[]) AS sent (anonymous_id, user_id, at)
    ), linked AS (
        INSERT INTO engine_identitylink (anonymous_id, user_id, valid_from)
        SELECT visitor, shopper, at FROM sighting
        WHERE shopper IS DISTINCT FROM (
            SELECT known.user_id FROM engine_identitylink AS known
            WHERE known.anonymous_id = sighting.visitor
            ORDER BY known.valid_from <= sighting.at DESC,
                CASE WHEN known.valid_from <= sighting.at THEN known.valid_from END DESC,
                known.valid_from
            LIMIT 1
        )
        ORDER BY visitor, at
        ON CONFLICT DO NOTHING
        RETURNING anonymous_id, user_id, valid_from
    )
    SELECT sighting.anonymous_id, sighting.user_id
    FROM linked
    JOIN sighting ON sighting.visitor = linked.anonymous_id AND sighting.at = linked.valid_from
    ORDER BY linked.valid_from
"""


def link_identities(sightings: Iterable[tuple[str, str, datetime]]) -> Mapping[str, str]:
    """Link visitors to users from the moments when both were named together.

    Parameters
    ----------
    sightings
        Anonymous id, user id and time; both shoppers exist.

    Returns
    -------
    mapping
        The user of each visitor that was newly linked.
    """
    runs: list[tuple[str, str, datetime]] = []
    for sighting in sorted(sightings, key=lambda each: (each[0], each[2])):
        if not runs or runs[-1][:2] != sighting[:2]:
            runs.append(sighting)
    if not runs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LINK, [list(column) for column in zip(*runs, strict=True)])
        return dict(cursor.fetchall())
