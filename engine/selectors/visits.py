"""Counts who turned to which product lately and before: what trends are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from engine.core.dataset import EVENT_WEIGHTS
from engine.core.trends import WINDOWS, Counts
from engine.models.event import Event
from engine.selectors.newest_moment import newest_moment

_LIKING = ", ".join(f"'{name}'" for name, weight in EVENT_WEIGHTS.items() if weight > 0)
_DAYS = max(days + past for days, past in WINDOWS.values())
_SUMS = ", ".join(
    f"coalesce(sum(visits) FILTER (WHERE day >= {start} AND day < {end}), 0)::bigint"
    for days, past in WINDOWS.values()
    for start, end in ((0, days), (days, days + past))
)
# Whoever has no name is a shopper for each session or order. width_bucket() finds the day in a
# list of moments, a day apart: extract() would make a numeric of each line's time.
_VISITS = f"""
    WITH daily AS (
        SELECT item_ref_id, {_DAYS} - bucket AS day, count(*) AS visits
        FROM (
            SELECT DISTINCT item_ref_id, width_bucket(occurred_at, %s::timestamptz[]) AS bucket,
                coalesce(user_id, anonymous_id,
                    hashtextextended(coalesce(session_id, order_id), 0)) AS shopper
            FROM engine_event
            WHERE occurred_at > %s AND occurred_at <= %s AND item_ref_id IS NOT NULL
                AND type IN ({_LIKING})
        ) AS visit GROUP BY item_ref_id, bucket
    ), counted AS (
        SELECT item_ref_id, {_SUMS} FROM daily GROUP BY item_ref_id
    )
    SELECT item.item_id, CASE WHEN item.id IS NULL THEN ref.ref ELSE item.group_id END, counted.*
    FROM counted JOIN engine_itemref AS ref ON ref.id = counted.item_ref_id
    LEFT JOIN engine_item AS item ON item.id = ref.item_id
"""  # noqa: S608  # our own constants
_VARIANTS = """
    SELECT group_id, item_id FROM engine_item
    WHERE deleted_at IS NULL AND (group_id = ANY(%s) OR item_id = ANY(%s)) ORDER BY id
"""


@dataclass(frozen=True)
class Product:
    """A group's items or an item without a group."""

    group_id: str | None
    item_id: str | None


@dataclass(frozen=True)
class Visits:
    """Visits of products, by window: those in it and those in its past, int64[n_products]."""

    products: Sequence[Product]
    by_window: dict[str, tuple[Counts, Counts]]


def last_event_id() -> int:
    """Return the newest event line's number inside `in_environment`, 0 for none."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def visits() -> Visits:
    """Return the visits of each product, inside `in_environment`.

    A shopper counts once a day for a product. The days count back from the newest moment that
    has events enough behind it (DESIGN 8.5), so that imported history is as new as it was.
    """
    counts: dict[Product, NDArray[np.int64]] = defaultdict(_nothing_yet)
    newest = newest_moment()
    if newest is not None:
        # The moment is told to the second, which holds all of its events.
        end = newest + timedelta(seconds=1)
        days = [end - timedelta(days=day) for day in range(_DAYS, 0, -1)]
        with connection.cursor() as cursor:
            cursor.execute(_VISITS, [days, days[0], end])
            for item_id, group_id, _, *sums in cursor:
                product = Product(group_id, item_id if group_id is None else None)
                counts[product] += np.array(sums, dtype=np.int64)
    columns = np.array(list(counts.values()), dtype=np.int64).reshape(-1, 2 * len(WINDOWS)).T
    by_window = {
        window: (columns[2 * place], columns[2 * place + 1]) for place, window in enumerate(WINDOWS)
    }
    return Visits(products=list(counts), by_window=by_window)


def _nothing_yet() -> NDArray[np.int64]:
    return np.zeros(2 * len(WINDOWS), dtype=np.int64)


def items_of(products: Iterable[Product]) -> dict[Product, list[str]]:
    """Return the ids of the products' items that the catalogue has, inside `in_environment`."""
    wanted = list(products)
    groups = [each.group_id for each in wanted if each.group_id is not None]
    items = [each.item_id for each in wanted if each.item_id is not None]
    found: dict[Product, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_VARIANTS, [groups, items])
        for group_id, item_id in cursor:
            product = Product(group_id, item_id if group_id is None else None)
            found.setdefault(product, []).append(item_id)
    return found
