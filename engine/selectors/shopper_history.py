"""What one shopper did last, as a page about the shopper shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from engine.models.shopper import Shopper
from engine.selectors.privacy_subject import Subject, privacy_subject

# All of the shopper's lines are found first: else PostgreSQL may walk the newest of the whole store
# for one who has not come for long.
_HISTORY = """
    WITH own AS MATERIALIZED (
        SELECT * FROM engine_event WHERE user_id = %s
        UNION ALL
        SELECT event.* FROM unnest(%b::int[], %b::timestamptz[], %b::timestamptz[])
            AS own (visitor, since, until)
        JOIN engine_event AS event ON event.anonymous_id = own.visitor AND event.user_id IS NULL
            AND event.occurred_at >= coalesce(own.since, '-infinity')
            AND event.occurred_at < coalesce(own.until, 'infinity')
    )
    SELECT own.type, own.occurred_at, coalesce(item.item_id, ref.ref), item.title, item.image_url,
        own.quantity, own.query, own.category, own.recommendation_id IS NOT NULL
    FROM (SELECT * FROM own ORDER BY occurred_at DESC, id DESC LIMIT %s) AS own
    LEFT JOIN engine_itemref AS ref ON ref.id = own.item_ref_id
    LEFT JOIN engine_item AS item ON item.id = ref.item_id AND item.deleted_at IS NULL
    ORDER BY own.occurred_at DESC, own.id DESC
"""


class HistoryLine(NamedTuple):
    """Something that the shopper did; `item_id` is the event's word where the catalogue has none.

    `query` and `category` are what was searched for or looked through, where it was no item.
    """

    type: str
    occurred_at: datetime
    item_id: str | None
    title: str | None
    image_url: str | None
    quantity: float | None
    query: str | None
    category: str | None
    is_recommended: bool


@dataclass(frozen=True, slots=True)
class ShopperHistory:
    """A shopper with the newest lines.

    Attributes
    ----------
    user_id, anonymous_ids
        Every id that is the shopper's now.
    is_known
        Whether the store has ever named the shopper to us.
    is_personal
        Whether the shopper may be given personal answers.
    """

    user_id: str | None
    anonymous_ids: Sequence[str]
    is_known: bool
    is_personal: bool
    lines: Sequence[HistoryLine]


def shopper_history(*, user_id: str | None, anonymous_id: str | None, limit: int) -> ShopperHistory:
    """Return the newest lines of a user, or of a visitor and whom it turned out to be."""
    subject = privacy_subject(user_id=user_id, anonymous_id=anonymous_id)
    rows = _rows(subject)
    objects = Shopper.objects.filter(pk__in=rows, personalise=False).exists() if rows else False
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, [subject.shopper_id, *subject.span_columns, limit])
        lines = [HistoryLine._make(row) for row in cursor]
    return ShopperHistory(
        user_id=subject.user_id,
        anonymous_ids=subject.anonymous_ids,
        is_known=bool(rows),
        is_personal=not objects,
        lines=lines,
    )


def _rows(subject: Subject) -> list[int]:
    rows = [subject.shopper_id, *(each.shopper_id for each in subject.visitors)]
    return [row for row in rows if row is not None]
