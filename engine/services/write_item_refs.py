"""Keeps every text that names an item pointing at it, so that events of any of them join."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection

from engine.rows.alias_claims import aliases_of

_RELEASE = """
    UPDATE engine_itemref AS ref SET item_id = NULL
    FROM unnest(%s::text[], %s::text[]) AS released (ref, owner), engine_item AS item
    WHERE ref.ref = released.ref AND item.item_id = released.owner AND ref.item_id = item.id
"""
# An id of an item's own beats another item's alias.
_CLAIM = """
    INSERT INTO engine_itemref (ref, item_id)
    SELECT claim.ref, item.id
    FROM unnest(%s::text[], %s::text[]) AS claim (ref, owner)
    JOIN engine_item AS item ON item.item_id = claim.owner
    WHERE claim.ref = claim.owner OR NOT EXISTS (
        SELECT 1 FROM engine_item AS named
        WHERE named.item_id = claim.ref AND named.deleted_at IS NULL
    )
    ORDER BY claim.ref
    ON CONFLICT (ref) DO UPDATE SET item_id = EXCLUDED.item_id
    WHERE engine_itemref.item_id IS DISTINCT FROM EXCLUDED.item_id
"""


def write_item_refs(
    *, before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> None:
    """Claim the ids and aliases of written items, also those that events brought before them.

    Parameters
    ----------
    before
        The items as they were, by id; new ones are missing.
    after
        The written items, by id.

    Notes
    -----
    A deleted item keeps its ids, so that its history stays with it if it comes back, until another
    item claims them.
    """
    claims: dict[str, str] = {}
    released: dict[str, str] = {}
    for item_id, item in after.items():
        known = before.get(item_id)
        aliases = set(item["aliases"])
        claims.update(dict.fromkeys(aliases - aliases_of(known), item_id))
        released.update(dict.fromkeys(set(known["aliases"]) - aliases if known else (), item_id))
    claims.update(
        {
            item_id: item_id
            for item_id in after
            if item_id not in before or before[item_id]["deleted_at"] is not None
        }
    )
    released = {ref: owner for ref, owner in released.items() if ref not in claims}
    with connection.cursor() as cursor:
        if released:
            cursor.execute(_RELEASE, [list(released), list(released.values())])
        if claims:
            cursor.execute(_CLAIM, [list(claims), list(claims.values())])
