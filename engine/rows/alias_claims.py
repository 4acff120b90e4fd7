"""Decides who may have an alias: a text names one item, and the first keeps it until it lets go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.rows.item_row import ItemRow
from engine.rows.reading import Place
from engine.rows.values import shown
from saas.lib.errors import FieldError


class AliasClaims:
    """Which living item each text names, while the rows of a batch move them.

    Parameters
    ----------
    holders
        The id of the living item that each text names, as it is stored.
    """

    def __init__(self, holders: Mapping[str, str]) -> None:
        self._holders = dict(holders)

    def without_taken(self, row: ItemRow) -> ItemRow:
        """Return a row without the aliases that name other items."""
        aliases = row.values.get("aliases")
        if not aliases:
            return row
        free = [alias for alias in aliases if self._holders.get(alias, row.id) == row.id]
        return replace(row, values={**row.values, "aliases": free})

    def refusal(
        self, item_id: str, *, before: Iterable[str], after: Iterable[str], place: Place
    ) -> list[FieldError]:
        """Return what is wrong with the aliases that an item would get: another item has them."""
        known = set(before)
        return [
            place.error(
                "aliases",
                "alias_taken",
                f"has alias {shown(alias)}, which names item {shown(holder)} already; "
                "take it from that item first, or leave it out.",
                path=f"/{position}",
            )
            for position, alias in enumerate(after)
            if alias not in known and (holder := self._holders.get(alias, item_id)) != item_id
        ]

    def write(
        self, item_id: str, *, before: Mapping[str, Any] | None, after: Mapping[str, Any]
    ) -> None:
        """Note what an item is called from now on."""
        names = aliases_of(after)
        for alias in aliases_of(before) - names:
            if self._holders.get(alias) == item_id:
                del self._holders[alias]
        for alias in names:
            self._holders.setdefault(alias, item_id)
        # An id of an item's own beats another item's alias.
        if after["deleted_at"] is None:
            self._holders[item_id] = item_id
        elif self._holders.get(item_id) == item_id:
            del self._holders[item_id]


def aliases_of(item: Mapping[str, Any] | None) -> set[str]:
    """Return the aliases that a living item has; a deleted one lets go of them."""
    lives = item is not None and item["deleted_at"] is None
    return set(item["aliases"]) if item is not None and lives else set()
