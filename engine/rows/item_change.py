"""Decides what a row does to an item: pure, so that every way in decides alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from engine.rows.item_row import ItemRow

Op = Literal["merge", "replace"]
Outcome = Literal["created", "updated", "unchanged", "deleted", "stale", "untitled"]

# What a new item has where its row says nothing, and what null sets a member back to.
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "description": None,
        "categories": [],
        "brand": None,
        "price": None,
        "list_price": None,
        "currency": None,
        "in_stock": True,
        "recommendable": True,
        "available_from": None,
        "available_until": None,
        "url": None,
        "image_url": None,
        "group_id": None,
        "aliases": [],
        "attributes": {},
        "source_updated_at": None,
    }
)
# True at creation only: a later replacement that does not say keeps what is stored, so that a
# feed without stock puts nothing sold out back on the shelf.
_KEPT_BY_REPLACE = ("in_stock", "recommendable")


@dataclass(frozen=True, slots=True)
class ItemChange:
    """The decision: an outcome, and the item's members afterwards where they are to be written."""

    outcome: Outcome
    item: Mapping[str, Any] | None = None


def decide_item(
    *,
    stored: Mapping[str, Any] | None,
    row: ItemRow,
    op: Op,
    default_currency: str | None = None,
) -> ItemChange:
    """Return what a row does to the item as it is stored (None: never seen).

    Parameters
    ----------
    stored
        The item's members, with `deleted_at`; a deleted item is created anew.
    row
        What was sent.
    op
        Whether the members that the row lacks stay (`merge`) or go (`replace`).
    default_currency
        Of an item with a price that nobody has named the currency of.

    Returns
    -------
    ItemChange
        `untitled` where an item would be created without a title.
    """
    lives = stored is not None and stored["deleted_at"] is None
    if stored is not None and _is_older(row.values.get("source_updated_at"), stored):
        return ItemChange("stale")
    if row.is_deletion:
        if not lives:
            return ItemChange("unchanged")
        return ItemChange("deleted", {**(stored or {}), **_stamp(row)})
    if not lives and "title" not in row.values:
        return ItemChange("untitled")
    if op == "replace" and "title" not in row.values:
        return ItemChange("untitled")
    before = _members(stored) if stored is not None and lives else None
    after = _written(before=before, row=row, op=op)
    if after["currency"] is None and (after["price"], after["list_price"]) != (None, None):
        after["currency"] = default_currency
    if before is None:
        return ItemChange("created", after)
    if _without_stamp(before) != _without_stamp(after):
        return ItemChange("updated", after)
    return ItemChange("unchanged", after if before != after else None)


def _is_older(sent: datetime | None, stored: Mapping[str, Any]) -> bool:
    known = stored["source_updated_at"]
    return sent is not None and known is not None and sent < known


def _stamp(row: ItemRow) -> dict[str, Any]:
    sent = row.values.get("source_updated_at")
    return {} if sent is None else {"source_updated_at": sent}


def _members(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": stored["title"]} | {name: stored[name] for name in DEFAULTS}


def _written(*, before: Mapping[str, Any] | None, row: ItemRow, op: Op) -> dict[str, Any]:
    after = dict(DEFAULTS)
    if before is not None:
        kept = before if op == "merge" else {name: before[name] for name in _KEPT_BY_REPLACE}
        after.update(kept)
        after["source_updated_at"] = before["source_updated_at"]
    for name, value in row.values.items():
        after[name] = DEFAULTS[name] if value is None else value
    sent = row.values.get("attributes")
    if sent is not None:
        kept_attributes = before["attributes"] if before is not None and op == "merge" else {}
        after["attributes"] = {
            name: value for name, value in {**kept_attributes, **sent}.items() if value is not None
        }
    return after


def _without_stamp(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "source_updated_at"}
