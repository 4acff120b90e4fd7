"""Reads one item as a store sends it: the values it carries, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from engine.rows.item_attributes import AttributeType, fit_attributes
from engine.rows.reading import Place, Reader, Reading, nearest, read_members
from engine.rows.values import (
    BadValue,
    read_aliases,
    read_attributes,
    read_categories,
    read_currency,
    read_flag,
    read_id,
    read_price,
    read_text,
    read_time,
    read_title,
    read_url,
)
from saas.lib.errors import FieldError

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "id": read_id,
        "title": read_title,
        "description": read_text,
        "categories": read_categories,
        "brand": read_text,
        "price": read_price,
        "list_price": read_price,
        "currency": read_currency,
        "in_stock": read_flag,
        "recommendable": read_flag,
        "available_from": read_time,
        "available_until": read_time,
        "url": read_url,
        "image_url": read_url,
        "group_id": read_id,
        "aliases": read_aliases,
        "attributes": read_attributes,
        "source_updated_at": read_time,
        "deleted": read_flag,
    }
)
RESERVED = frozenset({"markets", "locales"})
_NO_TYPES: Mapping[str, AttributeType] = MappingProxyType({})
# An item always has these; the others can be cleared with null.
_NEVER_NULL = {
    "id": "send the store's own id",
    "title": "send the name that shoppers see",
    "in_stock": "send true or false",
    "recommendable": "send true or false",
    "deleted": "send true or leave it out",
}


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A readable row.

    Attributes
    ----------
    id
        The item's.
    values
        The members that the row carries; None clears one.
    is_deletion
        The item is to go.
    """

    id: str
    values: Mapping[str, Any]
    is_deletion: bool


def read_item_row(
    row: Any, place: Place, *, types: Mapping[str, AttributeType] = _NO_TYPES
) -> ItemRow | list[FieldError]:
    """Return the row, or an error for each thing that is wrong with it.

    Parameters
    ----------
    types
        The declared types of attributes, by name.

    Examples
    --------
    >>> read_item_row({"id": "sku-19", "price": "abc"}, Place(noun="Item", id="sku-19"))[0].detail
    "Item 'sku-19' has price 'abc'; send a decimal string such as '12.90'."
    """
    if not isinstance(row, dict):
        return [place.error("", "invalid_type", 'is no object; send {"id": …, "title": …}.')]
    reading = read_members(row, READERS)
    _refuse_nulls(reading)
    errors = reading.errors(place) + _unknown(reading, place)
    if "id" not in row:
        errors.append(place.error("id", "missing_field", "has no id; send the store's own id."))
    values = reading.values
    if values.get("attributes") and types:
        values["attributes"], unfit = fit_attributes(values["attributes"], types=types, place=place)
        errors += unfit
    if errors:
        return errors
    item_id = values.pop("id")
    is_deletion = values.pop("deleted", False)
    if values.get("aliases"):
        values["aliases"] = [alias for alias in values["aliases"] if alias != item_id]
    return ItemRow(id=item_id, values=values, is_deletion=is_deletion)


def closed_window(row: ItemRow, item: Mapping[str, Any], place: Place) -> list[FieldError]:
    """Return what is wrong with the time that a row leaves an item: it ends before it begins."""
    opens, closes = item["available_from"], item["available_until"]
    is_moved = "available_from" in row.values or "available_until" in row.values
    if not is_moved or opens is None or closes is None or opens < closes:
        return []
    return [
        place.error(
            "available_until",
            "conflicting_fields",
            f"has available_until {closes.isoformat()}, not after available_from "
            f"{opens.isoformat()}; send a later one, or null.",
        )
    ]


def _refuse_nulls(reading: Reading) -> None:
    for name, advice in _NEVER_NULL.items():
        if name in reading.values and reading.values[name] is None:
            reading.bad.append((name, None, BadValue("invalid_type", advice)))


def _unknown(reading: Reading, place: Place) -> list[FieldError]:
    return [
        place.error(
            name,
            "unknown_field",
            f"has the field '{name[:80]}', a name reserved for later; leave it out."
            if name in RESERVED
            else f"has the unknown field '{name[:80]}'{nearest(name, READERS)}; "
            "extras belong inside attributes.",
        )
        for name in reading.unknown
    ]
