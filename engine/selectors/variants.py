"""The other variants of an item's product."""

from __future__ import annotations

from typing import NamedTuple

from engine.models.item import Item

MOST_VARIANTS = 50


class Variant(NamedTuple):
    """An item of the same group."""

    item_id: str
    title: str
    in_stock: bool


def variants_of(*, item_id: str, group_id: str | None) -> list[Variant]:
    """Return up to `MOST_VARIANTS` items of a group beside one, inside `in_environment`."""
    if group_id is None:
        return []
    rows = Item.objects.filter(group_id=group_id, deleted_at=None).exclude(item_id=item_id)
    columns = rows.order_by("item_id").values_list("item_id", "title", "in_stock")
    return [Variant(*row) for row in columns[:MOST_VARIANTS]]
