"""Joins anonymous visitors with the users that they turned out to be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import connection

from engine.rows.identity_links import Link, NewLink, Sighting, new_links
from tenants.context import on_platform

_KNOWN = """
    SELECT visitor.external_id, link.valid_from, shopper.external_id
    FROM unnest(%b::text[]) AS sent (anonymous_id)
    JOIN engine_shopper AS visitor
        ON visitor.kind = 'anonymous' AND visitor.external_id = sent.anonymous_id
    JOIN engine_identitylink AS link ON link.anonymous_id = visitor.id
    JOIN engine_shopper AS shopper ON shopper.id = link.user_id AND shopper.kind = 'user'
    ORDER BY visitor.external_id, link.valid_from
"""
_LINK = """
    INSERT INTO engine_identitylink (anonymous_id, user_id, valid_from)
    SELECT
        (
            SELECT id FROM engine_shopper
            WHERE kind = 'anonymous' AND external_id = sent.anonymous_id
        ),
        (SELECT id FROM engine_shopper WHERE kind = 'user' AND external_id = sent.user_id),
        sent.at
    FROM unnest(%b::text[], %b::text[], %b::timestamptz[]) AS sent (anonymous_id, user_id, at)
"""
# Serving reads links by their ids and looks where this clock has moved. Its lock makes the order
# of commits the order of ids; taken last in its transaction, it is never waited for in a circle.
_TICK = """
    INSERT INTO tenants_identityclock (environment_id, change_seq) VALUES (%s, 1)
    ON CONFLICT (environment_id)
    DO UPDATE SET change_seq = tenants_identityclock.change_seq + 1
"""


def link_identities(
    *, environment_id: int, sightings: Iterable[tuple[str, str, datetime]]
) -> list[NewLink]:
    """Link visitors to users from the moments when both were named together.

    Call it last in a transaction: the next one that links somebody waits for its end.

    Parameters
    ----------
    environment_id
        Whose shoppers.
    sightings
        Anonymous id, user id and time; both shoppers exist.

    Returns
    -------
    list of NewLink
        What nobody knew yet.
    """
    seen = [Sighting(anonymous_id, at, user_id) for anonymous_id, user_id, at in sightings]
    if not seen:
        return []
    visitors = {sighting.anonymous_id for sighting in seen}
    if not new_links(seen, known=_known(visitors)):
        return []
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(_TICK, [environment_id])
    # Whoever held the clock before may have said the same.
    links = new_links(seen, known=_known(visitors))
    if links:
        rows = [(link.anonymous_id, link.user_id, link.valid_from) for link in links]
        with connection.cursor() as cursor:
            cursor.execute(_LINK, [list(column) for column in zip(*rows, strict=True)])
    return links


def _known(visitors: Collection[str]) -> Mapping[str, list[Link]]:
    known: dict[str, list[Link]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [sorted(visitors)])
        for anonymous_id, valid_from, user_id in cursor:
            known.setdefault(anonymous_id, []).append(Link(valid_from, user_id))
    return known
