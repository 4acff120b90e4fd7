"""What items are called, for a page that knows them by id."""

from __future__ import annotations

from collections.abc import Sequence

from engine.models.item import Item


def item_titles(item_ids: Sequence[str]) -> dict[str, str]:
    """Return titles by id of those that are known, inside `in_environment`."""
    return dict(Item.objects.filter(item_id__in=item_ids).values_list("item_id", "title"))
