"""Reads WooCommerce's product export: simple products, and variations joined to their parents."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from engine.files.html_text import text_of
from engine.files.records import Entry, Record, RowError
from engine.files.sale_prices import is_on_sale
from engine.files.times import Times

# A variation stands near its parent; the latest ones are enough, whatever the file's size.
_MAX_PARENTS = 20_000
_ATTRIBUTE = re.compile(r"attribute (\d+) name")
_COMMA = re.compile(r"(?<!\\),")
_PARENT_ID = "id:"
_ORIGINS: Mapping[str, str] = MappingProxyType(
    {
        "id": "sku",
        "title": "name",
        "price": "regular price",
        "list_price": "regular price",
        "in_stock": "in stock?",
        "image_url": "images",
        "group_id": "parent",
    }
)


@dataclass(slots=True)
class _Parent:
    """What the variations of a product take from it."""

    item_id: str
    # The other name of the product, which its first variation carries as an alias.
    other_id: str
    cells: Mapping[str, str]
    attributes: Mapping[str, str]


class WooCommerce:
    """The products of an export; https://github.com/woocommerce/woocommerce/wiki names the columns.

    A variable product is no item itself: its variations are, and it is their group.
    """

    def __init__(self, *, now: datetime, times: Times, mapping: Mapping[str, str]) -> None:
        self._now = now
        self._times = times
        self._mapping = mapping
        self._parents: OrderedDict[str, _Parent] = OrderedDict()

    def entries(self, entries: list[Entry]) -> list[Entry]:
        """Return a row for each product that can be bought as such."""
        found = (each if isinstance(each, RowError) else self._item(each) for each in entries)
        return [each for each in found if each is not None]

    def _item(self, record: Record) -> Record | None:
        named = {column.strip().lower(): column for column in record.cells}
        theirs = {name: str(record.cells[column] or "").strip() for name, column in named.items()}
        kinds = {kind.strip().lower() for kind in theirs.get("type", "").split(",")}
        if "variable" in kinds:
            self._remember(theirs)
            return None
        cells = self._cells(theirs)
        if "variation" in kinds:
            self._join(cells, theirs)
        origin = {ours: named[name] for ours, name in _ORIGINS.items() if name in named}
        if not theirs.get("sku"):
            origin["id"] = named.get("id", "ID")
        for ours, column in self._mapping.items():
            cells[ours], origin[ours] = record.cells.get(column, ""), column
        return Record(record.line, cells, origin)

    def _remember(self, theirs: Mapping[str, str]) -> None:
        sku, number = theirs.get("sku", ""), theirs.get("id", "")
        parent = _Parent(
            item_id=sku or number,
            other_id=number if sku else "",
            cells=theirs,
            attributes=_attributes(theirs),
        )
        for name in filter(None, (sku, _PARENT_ID + number)):
            self._parents[name] = parent
            self._parents.move_to_end(name)
        while len(self._parents) > 2 * _MAX_PARENTS:
            self._parents.popitem(last=False)

    def _cells(self, theirs: Mapping[str, str]) -> dict[str, Any]:
        sku, number = theirs.get("sku", ""), theirs.get("id", "")
        code = theirs.get("gtin, upc, ean, or isbn", "")
        cells: dict[str, Any] = {
            "id": sku or number,
            "title": theirs.get("name", ""),
            "recommendable": _is_public(theirs),
            "aliases": [each for each in (number if sku else "", code) if each],
            "attributes": {**_attributes(theirs), **_tags(theirs)},
        }
        for ours, name in (("brand", "brands"), ("in_stock", "in stock?")):
            if name in theirs:
                cells[ours] = theirs[name]
        if {"description", "short description"} & theirs.keys():
            cells["description"] = text_of(
                theirs.get("short description") or theirs.get("description", "")
            )
        if "categories" in theirs:
            cells["categories"] = _listed(theirs["categories"])
        if "images" in theirs:
            cells["image_url"] = next(iter(_listed(theirs["images"])), "")
        return cells | self._prices(theirs)

    def _prices(self, theirs: Mapping[str, str]) -> dict[str, str]:
        regular, sale = theirs.get("regular price", ""), theirs.get("sale price", "")
        is_running = sale and is_on_sale(
            begins=theirs.get("date sale price starts", ""),
            ends=theirs.get("date sale price ends", ""),
            now=self._now,
            times=self._times,
        )
        if is_running:
            return {"price": sale, "list_price": regular}
        return {"price": regular, "list_price": ""} if "regular price" in theirs else {}

    def _join(self, cells: dict[str, Any], theirs: Mapping[str, str]) -> None:
        """Fill a variation's gaps from its parent, which a file usually brings before it."""
        name = theirs.get("parent", "")
        parent = self._parents.get(name)
        if parent is None:
            cells["group_id"] = name.removeprefix(_PARENT_ID)
            # What only the parent knows is left alone.
            for each in ("categories", "brand", "image_url", "description"):
                if not cells.get(each):
                    cells.pop(each, None)
            return
        shared = self._cells(parent.cells)
        for each in ("title", "categories", "brand", "image_url", "description"):
            if each in shared and not cells.get(each):
                cells[each] = shared[each]
        cells["group_id"] = parent.item_id
        cells["attributes"] = {**shared["attributes"], **cells["attributes"]}
        cells["recommendable"] = cells["recommendable"] and shared["recommendable"]
        if parent.other_id:
            cells["aliases"].append(parent.other_id)
            parent.other_id = ""


def _is_public(theirs: Mapping[str, str]) -> bool:
    """Return whether shoppers see the product: no draft, not private, not hidden."""
    visibility = theirs.get("visibility in catalog", "").lower()
    return theirs.get("published", "1") == "1" and visibility != "hidden"


def _listed(text: str) -> list[str]:
    """Return a list's parts; a comma inside one stands after a backslash."""
    parts = (each.replace("\\,", ",").strip() for each in _COMMA.split(text))
    return [each for each in parts if each]


def _attributes(theirs: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, name in theirs.items():
        if (match := _ATTRIBUTE.fullmatch(column)) and name:
            values = _listed(theirs.get(f"attribute {match[1]} value(s)", ""))
            if values:
                found[name] = values[0] if len(values) == 1 else values
    return found


def _tags(theirs: Mapping[str, str]) -> dict[str, list[str]]:
    return {"tags": _listed(theirs["tags"])} if theirs.get("tags") else {}


def is_woocommerce(columns: tuple[str, ...]) -> bool:
    """Return whether a header is that of a product export."""
    names = {column.strip().lower() for column in columns}
    return {"sku", "name", "regular price"} <= names
