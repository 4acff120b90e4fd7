"""Reads the names of Google Merchant Center's product data as ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from engine.files.records import Entry, Record, RowError
from engine.files.sale_prices import is_on_sale
from engine.files.times import Times

# https://support.google.com/merchants/answer/7052112
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "link": "url",
        "image_link": "image_url",
        "availability": "in_stock",
        "product_type": "categories",
        "item_group_id": "group_id",
        "expiration_date": "available_until",
        "sale_price": "price",
    }
)
_PRICES = frozenset({"price", "sale_price", "sale_price_effective_date"})


@dataclass(frozen=True, slots=True)
class GoogleMerchant:
    """Products as Merchant Center takes them; what is not ours becomes an attribute."""

    now: datetime
    times: Times
    mapping: Mapping[str, str]

    def entries(self, entries: list[Entry]) -> list[Entry]:
        """Return the products under our names."""
        return [each if isinstance(each, RowError) else self._item(each) for each in entries]

    def _item(self, record: Record) -> Record:
        named = {_name(column): column for column in record.cells}
        theirs = {name: record.cells[column] for name, column in named.items()}
        cells: dict[str, Any] = {}
        origin: dict[str, str] = {}
        for name, column in named.items():
            if name not in _PRICES:
                ours = _NAMES.get(name, name)
                cells[ours], origin[ours] = theirs[name], column
        self._put_prices(theirs, named, cells, origin)
        taxonomy = theirs.get("google_product_category")
        if isinstance(taxonomy, str) and ">" in taxonomy and not cells.get("categories"):
            cells["categories"], origin["categories"] = taxonomy, named["google_product_category"]
        for ours, column in self.mapping.items():
            if column in record.cells:
                cells[ours], origin[ours] = record.cells[column], column
        return Record(record.line, cells, origin)

    def _put_prices(
        self,
        theirs: Mapping[str, Any],
        named: Mapping[str, str],
        cells: dict[str, Any],
        origin: dict[str, str],
    ) -> None:
        """Put the price that holds now, and beside it the one it was."""
        if "price" in theirs:
            cells["price"], origin["price"] = theirs["price"], named["price"]
        sale = theirs.get("sale_price")
        if sale is None:
            return
        begins, _, ends = str(theirs.get("sale_price_effective_date") or "").partition("/")
        runs = is_on_sale(begins=begins.strip(), ends=ends.strip(), now=self.now, times=self.times)
        if str(sale).strip() and runs:
            if "price" in cells:
                cells["list_price"], origin["list_price"] = cells["price"], origin["price"]
            cells["price"], origin["price"] = sale, named["sale_price"]
        else:
            cells["list_price"], origin["list_price"] = "", named["sale_price"]


def _name(column: str) -> str:
    return column.strip().lower().removeprefix("g:").replace(" ", "_")


def is_google_merchant(columns: tuple[str, ...]) -> bool:
    """Return whether a header is Merchant Center's."""
    names = {_name(column) for column in columns}
    return {"id", "title"} <= names and len(names & {*_NAMES, "gtin", "mpn"}) >= 2


def has_merchant_id(columns: tuple[str, ...]) -> bool:
    """Return whether rows under a header can be told apart, as those of a supplemental feed."""
    return "id" in map(_name, columns)
