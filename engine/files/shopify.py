"""Reads Shopify's product export: a handle's first row says what its variants share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.files.html_text import text_of
from engine.files.records import Entry, Record, RowError, shortened

# https://help.shopify.com/en/manual/products/import-export/using-csv: the names before and since
# 2025, in lower case.
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "handle": "handle",
        "url handle": "handle",
        "title": "title",
        "body (html)": "body",
        "description": "body",
        "vendor": "vendor",
        "product category": "category",
        "type": "type",
        "tags": "tags",
        "published": "published",
        "published on online store": "published",
        "status": "status",
        "variant sku": "sku",
        "sku": "sku",
        "variant barcode": "barcode",
        "barcode": "barcode",
        "variant price": "price",
        "price": "price",
        "variant compare at price": "compare_at",
        "compare-at price": "compare_at",
        "variant inventory tracker": "tracker",
        "inventory tracker": "tracker",
        "variant inventory qty": "quantity",
        "inventory quantity": "quantity",
        "variant inventory policy": "policy",
        "continue selling when out of stock": "policy",
        "image src": "image",
        "product image url": "image",
        "variant image": "variant_image",
        "variant image url": "variant_image",
    }
)
_OPTION = re.compile(r"option([123]) (name|value)")
_METAFIELD = re.compile(r"(.+) \(product\.metafields\..+\)")
_FEED = "google shopping / "
_SHARED = ("title", "body", "vendor", "category", "type", "tags", "published", "status", "image")
_NO_OPTION = "Default Title"
_KEEPS_SELLING = frozenset({"continue", "true"})


class Shopify:
    """The variants of a product export.

    Each has the product's handle for its group, so that events may name either.
    """

    def __init__(self, *, mapping: Mapping[str, str]) -> None:
        self._mapping = mapping
        self._handle = ""
        self._shared: dict[str, str] = {}
        self._option_names: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def entries(self, entries: list[Entry]) -> list[Entry]:
        """Return a row for each variant; rows that only add a picture are left out."""
        found = (each if isinstance(each, RowError) else self._item(each) for each in entries)
        return [each for each in found if each is not None]

    def _item(self, record: Record) -> Entry | None:
        theirs: dict[str, str] = {}
        columns: dict[str, str] = {}
        for column, cell in record.cells.items():
            name = self._names.get(column) or self._name(column)
            theirs[name], columns[name] = str(cell or "").strip(), column
        handle = theirs.get("handle", "")
        if not handle:
            detail = "Fill in the handle; it joins the rows of one product."
            return RowError(record.line, columns.get("handle", ""), "", "missing_field", detail)
        is_first = handle != self._handle
        if is_first:
            self._begin(handle, theirs)
        options = [theirs.get(f"option{number} value", "") for number in "123"]
        if not is_first and not any((theirs.get("price"), theirs.get("sku"), *options)):
            return None
        if not self._shared.get("title"):
            detail = (
                "No row of this handle before it has a title; keep the product's rows together."
            )
            value = shortened(handle)
            return RowError(record.line, columns["handle"], value, "missing_field", detail)
        cells = self._cells(theirs, options)
        origin = {ours: columns[name] for ours, name in _ORIGINS.items() if name in columns}
        for ours, column in self._mapping.items():
            cells[ours], origin[ours] = record.cells.get(column, ""), column
        return Record(record.line, cells, origin)

    def _name(self, column: str) -> str:
        lower = column.strip().lower()
        self._names[column] = _NAMES.get(lower, lower)
        return self._names[column]

    def _begin(self, handle: str, theirs: Mapping[str, str]) -> None:
        self._handle = handle
        self._shared = {name: theirs.get(name, "") for name in _SHARED}
        self._option_names = {number: theirs.get(f"option{number} name", "") for number in "123"}
        extras = {_attribute(name): cell for name, cell in theirs.items()}
        self._extras = {name: cell for name, cell in extras.items() if name and cell}

    def _cells(self, theirs: Mapping[str, str], options: list[str]) -> dict[str, Any]:
        shared = self._shared
        chosen = {
            self._option_names[number] or f"Option {number}": option
            for number, option in zip("123", options, strict=True)
            if option and option != _NO_OPTION
        }
        by_options = "/".join((self._handle, *chosen.values()))
        # The export puts an apostrophe before a number, so that a spreadsheet keeps its zeros.
        sku = theirs.get("sku", "").lstrip("'")
        barcode = theirs.get("barcode", "").lstrip("'")
        cells: dict[str, Any] = {
            "id": sku or by_options,
            "title": shared["title"],
            "description": text_of(shared["body"]),
            "categories": [each for each in (shared["category"], shared["type"]) if each],
            "brand": shared["vendor"],
            "group_id": self._handle,
            "aliases": [each for each in (by_options if sku else "", barcode) if each],
            "price": theirs.get("price", ""),
            "image_url": theirs.get("variant_image") or shared["image"],
            "recommendable": _is_public(shared),
            "attributes": {
                **self._extras,
                **chosen,
                "tags": [tag for each in shared["tags"].split(",") if (tag := each.strip())],
            },
        }
        if "compare_at" in theirs:
            cells["list_price"] = theirs["compare_at"]
        if "quantity" in theirs:
            cells["in_stock"] = _is_in_stock(theirs)
        return cells


_ORIGINS: Mapping[str, str] = MappingProxyType(
    {
        "id": "sku",
        "title": "title",
        "price": "price",
        "list_price": "compare_at",
        "image_url": "image",
        "in_stock": "quantity",
        "group_id": "handle",
    }
)


def _attribute(name: str) -> str:
    """Return what an attribute of a further column is called; empty where it is none."""
    if match := _METAFIELD.fullmatch(name):
        return match[1]
    return name.removeprefix(_FEED) if name.startswith(_FEED) else ""


def _is_public(shared: Mapping[str, str]) -> bool:
    """Return whether shoppers see the product: no draft, not archived, not unpublished."""
    return shared["status"].lower() in {"", "active"} and shared["published"].lower() != "false"


def _is_in_stock(theirs: Mapping[str, str]) -> Any:
    """Return whether a variant sells; what nobody counts, and what is sold beyond zero, does."""
    if not theirs.get("tracker", "shopify") or theirs.get("policy", "").lower() in _KEEPS_SELLING:
        return True
    return theirs["quantity"] or False


def is_shopify(columns: tuple[str, ...]) -> bool:
    """Return whether a header is that of a product export."""
    names = {_NAMES.get(column.strip().lower()) for column in columns}
    return {"handle", "title"} <= names and bool(names & {"sku", "price", "body"})
