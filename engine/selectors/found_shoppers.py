"""Finds shoppers by the beginning of an id, and some who came lately, for a person to look at."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection

# The newest lines of the store, found by the table's own key; of what they name, the first fifty
# are looked up, since an erased shopper or an unknown item is none to offer.
_LINES_LOOKED_AT = 500
# Both id spaces, each by the order of its index: the search costs the same on any store.
_BY_PREFIX = """
    (SELECT kind, external_id FROM engine_shopper
     WHERE kind = 'user' AND external_id >= %s ORDER BY external_id LIMIT %s)
    UNION ALL
    (SELECT kind, external_id FROM engine_shopper
     WHERE kind = 'anonymous' AND external_id >= %s ORDER BY external_id LIMIT %s)
"""
_LATELY = """
    SELECT shopper.kind, shopper.external_id
    FROM (
        SELECT coalesce(user_id, anonymous_id) AS shopper_id, count(*) AS lines
        FROM (SELECT * FROM engine_event ORDER BY id DESC LIMIT %s) AS newest
        WHERE item_ref_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50
    ) AS active
    JOIN engine_shopper AS shopper ON shopper.id = active.shopper_id
    WHERE shopper.kind <> 'erased'
    ORDER BY active.lines DESC, shopper.id LIMIT %s
"""
_ITEMS_LATELY = """
    SELECT item.item_id, item.title
    FROM (
        SELECT item_ref_id, count(*) AS lines
        FROM (SELECT * FROM engine_event ORDER BY id DESC LIMIT %s) AS newest
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50
    ) AS active
    JOIN engine_itemref AS ref ON ref.id = active.item_ref_id
    JOIN engine_item AS item ON item.id = ref.item_id AND item.deleted_at IS NULL
    ORDER BY active.lines DESC, item.id LIMIT %s
"""


class FoundShopper(NamedTuple):
    """A shopper's id and its space: `user` or `anonymous`."""

    kind: str
    shopper_id: str


class ActiveItem(NamedTuple):
    """An item that shoppers turn to."""

    item_id: str
    title: str


def found_shoppers(*, text: str, limit: int) -> list[FoundShopper]:
    """Return shoppers whose ids begin with a text, inside `in_environment`."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_PREFIX, [text, limit, text, limit])
        found = [FoundShopper._make(row) for row in cursor]
    return [each for each in found if each.shopper_id.startswith(text)][:limit]


def active_shoppers(*, limit: int) -> list[FoundShopper]:
    """Return shoppers of the newest events, those with the most of them first."""
    with connection.cursor() as cursor:
        cursor.execute(_LATELY, [_LINES_LOOKED_AT, limit])
        return [FoundShopper._make(row) for row in cursor]


def active_items(*, limit: int) -> list[ActiveItem]:
    """Return items of the newest events, those with the most of them first."""
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS_LATELY, [_LINES_LOOKED_AT, limit])
        return [ActiveItem._make(row) for row in cursor]
