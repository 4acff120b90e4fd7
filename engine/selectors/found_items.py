"""Finds items for a person who looks through the catalogue: by text, or by what is amiss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from django.db import connection

PAGE = 25
# A page looks at no more items than that, whatever the catalogue's size; the next goes on there.
MOST_WALKED = 25_000
# Each of these is looked up among the events.
MOST_WALKED_BY_EVENTS = 2_000
# Of an item's events: what was recommended at all has some within these.
_MOST_EVENTS = 300
_COLUMNS = "item_id, title, brand, price, currency, in_stock, recommendable, image_url, created_at"
_NEVER = f"""
    NOT EXISTS (
        SELECT 1 FROM (
            SELECT recommendation_id FROM engine_event
            WHERE item_ref_id = ANY(ARRAY(
                SELECT id FROM engine_itemref WHERE engine_itemref.item_id = walked.id
            ))
            LIMIT {_MOST_EVENTS}
        ) AS own WHERE recommendation_id IS NOT NULL
    )
"""  # noqa: S608  # made of constants
_AVAILABLE = (
    "recommendable AND coalesce(available_from <= now(), true) "
    "AND coalesce(available_until > now(), true)"
)
# What each view keeps of the items that are walked over.
VIEWS: Final[Mapping[str, str]] = {
    "all": "true",
    "out-of-stock": "NOT in_stock",
    "withheld": f"NOT ({_AVAILABLE})",
    "new": "created_at > now() - interval '7 days'",
    "never-recommended": f"in_stock AND {_AVAILABLE} AND {_NEVER}",
}
_WALK = """
    SELECT {columns} FROM (
        SELECT * FROM engine_item WHERE deleted_at IS NULL AND item_id > %s
        ORDER BY item_id LIMIT %s
    ) AS walked
    WHERE {condition} AND (%s = '' OR title ILIKE %s OR item_id ILIKE %s)
    ORDER BY item_id LIMIT %s
"""
_WALKED = """
    SELECT count(*), max(item_id) FROM (
        SELECT item_id FROM engine_item WHERE deleted_at IS NULL AND item_id > %s
        ORDER BY item_id LIMIT %s
    ) AS walked
"""
_NAMED = f"""
    SELECT {_COLUMNS} FROM engine_item
    WHERE deleted_at IS NULL AND (
        id = (SELECT item_id FROM engine_itemref WHERE ref = %s) OR group_id = %s
    )
    ORDER BY item_id LIMIT {PAGE}
"""  # noqa: S608  # made of constants


class FoundItem(NamedTuple):
    """An item as a list shows it."""

    item_id: str
    title: str
    brand: str | None
    price: Decimal | None
    currency: str | None
    in_stock: bool
    recommendable: bool
    image_url: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FoundItems:
    """A page of items in the order of their ids.

    Attributes
    ----------
    named
        What the text names exactly, by an id, an alias or a group; on the first page alone.
    after
        From which id to go on; None at the catalogue's end.
    walked
        How many items were looked at where the page is not full, else None.
    """

    named: Sequence[FoundItem]
    items: Sequence[FoundItem]
    after: str | None
    walked: int | None


def found_items(*, view: str, text: str, after: str) -> FoundItems:
    """Return a page of a view, inside `in_environment`; bounded on any store.

    Parameters
    ----------
    view
        One of `VIEWS`.
    text
        Part of a title or of an id, or a whole id, alias or group; may be empty.
    after
        The last id of the page before; empty for the first.
    """
    most = MOST_WALKED_BY_EVENTS if view == "never-recommended" else MOST_WALKED
    pattern = f"%{_escaped(text)}%"
    statement = _WALK.format(columns=_COLUMNS, condition=VIEWS[view])
    with connection.cursor() as cursor:
        cursor.execute(statement, [after, most, text, pattern, pattern, PAGE + 1])
        items = [FoundItem._make(row) for row in cursor]
    named = _named(text) if text and not after and view == "all" else []
    known = {each.item_id for each in named}
    shown = [each for each in items[:PAGE] if each.item_id not in known]
    if len(items) > PAGE:
        return FoundItems(named, shown, after=items[PAGE - 1].item_id, walked=None)
    with connection.cursor() as cursor:
        cursor.execute(_WALKED, [after, most])
        walked, last = cursor.fetchone()
    return FoundItems(named, shown, after=last if walked == most else None, walked=walked)


def _named(text: str) -> list[FoundItem]:
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [text, text])
        return [FoundItem._make(row) for row in cursor]


def _escaped(text: str) -> str:
    r"""Return a text as LIKE takes it literally.

    >>> print(_escaped("50%_a"))
    50\%\_a
    """
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return text
