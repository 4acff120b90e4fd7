"""What shoppers can be recommended now, from a look at a bounded part of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from engine.selectors.catalogue_sample import SAMPLE, sampled_percent
from engine.selectors.found_items import VIEWS

_STATE = f"""
    SELECT count(*), {
    ", ".join(
        f"count(*) FILTER (WHERE {VIEWS[view]})" for view in ("out-of-stock", "withheld", "new")
    )
}
    FROM {SAMPLE} WHERE deleted_at IS NULL
"""  # noqa: S608  # made of constants
_HAS_RECOMMENDED = """
    SELECT EXISTS (
        SELECT 1 FROM (SELECT recommendation_id FROM engine_event ORDER BY id DESC LIMIT %s) AS new
        WHERE recommendation_id IS NOT NULL
    )
"""
_EVENTS_LOOKED_AT = 5_000


@dataclass(frozen=True, slots=True)
class CatalogueState:
    """Counts of a look.

    Attributes
    ----------
    items
        How many were looked at; all of them unless `is_sample`.
    withheld
        Not recommendable, or not in their time of availability.
    new
        Made within the last seven days.
    """

    items: int
    is_sample: bool
    out_of_stock: int
    withheld: int
    new: int


def catalogue_state() -> CatalogueState:
    """Look at the catalogue, inside `in_environment`."""
    percent = sampled_percent()
    with connection.cursor() as cursor:
        cursor.execute(_STATE, [percent])
        items, out_of_stock, withheld, new = cursor.fetchone()
    return CatalogueState(items, percent < 100, out_of_stock, withheld, new)


def tells_what_was_recommended() -> bool:
    """Say whether any of the newest events carries a recommendation_id."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_RECOMMENDED, [_EVENTS_LOOKED_AT])
        return bool(cursor.fetchone()[0])
