"""A store's items as serving needs them: what may be shown, what belongs together, what to show.

One thread writes (the shelves' keeper), the event loop reads. Arrays are replaced when they grow
and single entries are set in place, so a reader sees either the old or the new state of an item.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from api.inference.answers import Product, Shown, shown, with_attributes
from api.inference.columns import ATTRIBUTE_PREFIX, Columns, Value
from engine.core.string_table import hash_of

NO_GROUP = -1
_FIRST_CAPACITY = 256
# Measured on items of 60-character titles and URLs, strings, lists and arrays together, without
# what answers show of them.
BYTES_PER_ITEM = 700


class ItemRow(NamedTuple):
    """An item as read from PostgreSQL; times are epoch seconds."""

    id: int
    change_seq: int
    item_id: str
    group_id: str | None
    aliases: list[str]
    categories: list[str]
    attributes: Mapping[str, Any]
    recommendable: bool
    is_deleted: bool
    available_from: float | None
    available_until: float | None
    product: Product


class ShownRow(NamedTuple):
    """What answers show of an item's attributes, as JSON."""

    id: int
    item_id: str
    attributes: str | None


class Catalogue:
    """The items of one environment, a struct of arrays by catalogue row."""

    def __init__(self) -> None:
        self.size = 0
        self.rows: dict[str, int] = {}
        self.item_ids: list[str] = []
        self.shown: list[Shown] = []
        self.group_ids: list[str | None] = []
        self.available = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self.recommendable = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self.groups = np.full(_FIRST_CAPACITY, NO_GROUP, dtype=np.int32)
        # The database id: it grows with each new item.
        self.ages = np.zeros(_FIRST_CAPACITY, dtype=np.int64)
        # Of the ids, as models find them.
        self.hashes = np.zeros(_FIRST_CAPACITY, dtype=np.uint64)
        self._shown_bytes = 0
        self._deleted: set[int] = set()
        self._aliases: dict[str, int] = {}
        self._aliases_of: dict[int, list[str]] = {}
        self._group_codes: dict[str, int] = {}
        self._members: list[list[int]] = []
        self.columns = Columns()
        self._windows: dict[int, tuple[bool, float, float]] = {}

    @property
    def size_bytes(self) -> int:
        """Estimate what the items occupy."""
        return self.size * BYTES_PER_ITEM + self._shown_bytes

    @property
    def n_groups(self) -> int:
        """Return how many groups have been seen; their numbers are below it."""
        return len(self._members)

    def find(self, reference: str) -> list[int]:
        """Return the rows that an id, an alias or a group id names, [] when nothing does."""
        row = self.rows.get(reference)
        if row is None or row in self._deleted:
            # The id of a deleted item may be another's alias by now.
            row = self._aliases.get(reference, row)
        if row is not None:
            return [row]
        code = self._group_codes.get(reference)
        return list(self._members[code]) if code is not None else []

    def members(self, group: int) -> list[int]:
        """Return the rows of a group's items."""
        return list(self._members[group])

    def is_deleted(self, row: int) -> bool:
        """Say whether a row's item was deleted; its id may still be asked for."""
        return row in self._deleted

    def window(self, row: int) -> tuple[float, float]:
        """Return from when and until when an item may be shown, in epoch seconds."""
        _, opens, closes = self._windows.get(row, (True, -math.inf, math.inf))
        return opens, closes

    def apply(self, changed: Iterable[ItemRow], *, now: float) -> list[int]:
        """Take in changed items and return their rows."""
        rows = []
        for item in changed:
            row = self.rows.get(item.item_id)
            if row is None:
                if item.is_deleted:
                    continue
                row = self._add(item)
            else:
                self._show(row, _shown(item))
            rows.append(row)
            self._deleted.discard(row)
            if item.is_deleted:
                self._deleted.add(row)
            self._group(row, item.group_id)
            self._alias(row, [] if item.is_deleted else item.aliases)
            self.columns.put(row, fields=_fields(item), categories=item.categories)
            self._offer(row, item, now)
        self.columns.flush()
        return rows

    def show(self, changed: Iterable[ShownRow]) -> None:
        """Show these attributes of items, and no others."""
        for item in changed:
            row = self.rows.get(item.item_id)
            if row is not None:
                self._show(row, with_attributes(self.shown[row], item.attributes))

    def apply_time(self, *, now: float) -> list[int]:
        """Open and close availability windows and return the rows that changed."""
        changed = []
        for row, (is_sellable, opens, closes) in self._windows.items():
            is_available = is_sellable and opens <= now < closes
            if is_available != self.available[row]:
                self.available[row] = is_available
                changed.append(row)
        return changed

    def _add(self, item: ItemRow) -> int:
        row = self.size
        if row == len(self.available):
            self.available = np.concatenate([self.available, np.zeros_like(self.available)])
            self.recommendable = np.concatenate(
                [self.recommendable, np.zeros_like(self.recommendable)]
            )
            self.groups = np.concatenate([self.groups, np.full_like(self.groups, NO_GROUP)])
            self.ages = np.concatenate([self.ages, np.zeros_like(self.ages)])
            self.hashes = np.concatenate([self.hashes, np.zeros_like(self.hashes)])
        self.ages[row] = item.id
        self.hashes[row] = hash_of(item.item_id)
        self.item_ids.append(item.item_id)
        self.shown.append(_shown(item))
        self._shown_bytes += len(self.shown[row].product)
        self.group_ids.append(None)
        # Last, so that a reader who finds the row finds all of it.
        self.size += 1
        self.rows[item.item_id] = row
        return row

    def _show(self, row: int, shown_now: Shown) -> None:
        self._shown_bytes += len(shown_now.product) - len(self.shown[row].product)
        self.shown[row] = shown_now

    def _group(self, row: int, group_id: str | None) -> None:
        if self.group_ids[row] == group_id:
            return
        if self.groups[row] != NO_GROUP:
            self._members[self.groups[row]].remove(row)
        self.group_ids[row] = group_id
        if group_id is None:
            self.groups[row] = NO_GROUP
            return
        code = self._group_codes.get(group_id)
        if code is None:
            code = len(self._members)
            self._members.append([])
            self._group_codes[group_id] = code
        self._members[code].append(row)
        self.groups[row] = code

    def _alias(self, row: int, aliases: list[str]) -> None:
        for alias in self._aliases_of.pop(row, ()):
            # Another item may have taken it over meanwhile.
            if self._aliases.get(alias) == row:
                del self._aliases[alias]
        if aliases:
            self._aliases_of[row] = aliases
            self._aliases.update(dict.fromkeys(aliases, row))

    def _offer(self, row: int, item: ItemRow, now: float) -> None:
        self.recommendable[row] = item.recommendable
        is_sellable = item.recommendable and item.product.in_stock and not item.is_deleted
        opens = -math.inf if item.available_from is None else item.available_from
        closes = math.inf if item.available_until is None else item.available_until
        self.available[row] = is_sellable and opens <= now < closes
        self._windows.pop(row, None)
        if not item.is_deleted and (opens, closes) != (-math.inf, math.inf):
            self._windows[row] = (is_sellable, opens, closes)


def _shown(item: ItemRow) -> Shown:
    return shown(item.item_id, group_id=item.group_id, product=item.product)


def _fields(item: ItemRow) -> dict[str, Value]:
    """Return what filters may ask of an item."""
    product = item.product
    fields: dict[str, Value] = {
        "id": item.item_id,
        "brand": product.brand,
        "currency": product.currency,
        "group_id": item.group_id,
        "price": _amount(product.price),
        "list_price": _amount(product.list_price),
    }
    for name, value in item.attributes.items():
        fields[ATTRIBUTE_PREFIX + name] = value
    return fields


def _amount(text: str | None) -> float | None:
    return None if text is None else float(text)
