"""Reads a store of one's own from a folder of CSV files, row by row, in the API's shapes.

`items.csv` and `events.csv` (or `events.csv.gz`) have the columns of an import.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

ITEM_COLUMNS, EVENT_COLUMNS = ("id", "title"), ("type", "user_id", "item_id", "ts")
ITEM_TEXTS = frozenset(
    {
        *("id", "title", "description", "brand", "price", "list_price", "currency"),
        *("available_from", "available_until", "url", "image_url", "group_id"),
        "source_updated_at",
    }
)
# These belong to a line of an event, not to the event.
LINE_COLUMNS = frozenset({"quantity", "price", "line_id"})

Row = dict[str, Any]


class DatasetError(ValueError):
    """A folder that cannot be read, said in one sentence with the place and the way out."""


@dataclass(frozen=True)
class DatasetFolder:
    """A store's catalogue and events in a folder; both files are checked for their columns."""

    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise DatasetError(f"'{self.folder}' is no folder; give one that holds items.csv.")
        for table in (self._items, self._events):
            next(table.rows(), None)

    @cached_property
    def item_count(self) -> int:
        """How many items there are: a pass over the file."""
        return sum(1 for _ in self._items.rows())

    @cached_property
    def event_count(self) -> int:
        """How many events there are: a pass over the file."""
        return sum(1 for _ in self._events.rows())

    def items(self) -> Iterator[Row]:
        """Yield items in the shape of `POST /v1/items:batch`, other columns as attributes."""
        for cells in self._items.rows():
            yield _item(cells)

    def events(self) -> Iterator[Row]:
        """Yield events in the shape of `POST /v1/events`, one for each row of the file."""
        for cells in self._events.rows():
            yield _event(cells)

    @property
    def _items(self) -> _Table:
        return _Table(_find(self.folder, "items.csv"), ITEM_COLUMNS)

    @property
    def _events(self) -> _Table:
        return _Table(_find(self.folder, "events.csv", "events.csv.gz"), EVENT_COLUMNS)


@dataclass(frozen=True)
class _Cells:
    """The filled cells of one row, with what an error about them needs."""

    place: str
    by_column: dict[str, str]

    def read(self, column: str, convert: Callable[[str], Any], *, way_out: str) -> Any:
        text = self.by_column[column]
        try:
            return convert(text)
        except ValueError:
            raise DatasetError(f"{self.place}, column {column}: '{text}'; {way_out}.") from None


@dataclass(frozen=True)
class _Table:
    """One CSV file with a header."""

    path: Path
    required: Sequence[str]

    def rows(self) -> Iterator[_Cells]:
        """Yield the rows without their empty cells: a new store has nothing to clear."""
        with _open(self.path) as file:
            lines = csv.reader(file, strict=True)
            try:
                header = self._header(next(lines, []))
                for cells in lines:
                    # A blank line between rows reads as no cells.
                    if cells:
                        yield self._cells(header=header, cells=cells, line=lines.line_num)
            except UnicodeDecodeError as error:
                bad = error.object[error.start : error.start + 1].hex()
                raise DatasetError(
                    f"{self.path.name}, after line {lines.line_num}: the byte 0x{bad} is not UTF-8;"
                    " save the file as UTF-8."
                ) from None
            except (csv.Error, OSError, EOFError, zlib.error) as error:
                raise DatasetError(
                    f"{self.path.name}, after line {lines.line_num}: unreadable ({error});"
                    " write it as a complete CSV file with quoted cells."
                ) from None

    def _header(self, names: Sequence[str]) -> list[str]:
        header = [name.strip() for name in names]
        for column in self.required:
            if column not in header:
                found = ", ".join(header) or "nothing"
                raise DatasetError(
                    f"{self.path.name}, line 1: no column '{column}' (found: {found});"
                    f" name the columns {', '.join(self.required)} there."
                )
        for column in header:
            if header.count(column) > 1:
                raise DatasetError(
                    f"{self.path.name}, line 1: column '{column}' stands there twice;"
                    " keep one of them."
                )
        return header

    def _cells(self, *, header: Sequence[str], cells: Sequence[str], line: int) -> _Cells:
        if len(cells) != len(header):
            raise DatasetError(
                f"{self.path.name}, line {line}: {len(cells)} cells where the header has"
                f" {len(header)} (the last: '{cells[-1]}'); quote cells that hold commas."
            )
        filled = {
            column: text for column, text in zip(header, map(str.strip, cells), strict=True) if text
        }
        return _Cells(f"{self.path.name}, line {line}", filled)


def _find(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(f"'{folder}' has no {' or '.join(names)}; put the file there.")


def _open(path: Path) -> TextIO:
    # utf-8-sig: spreadsheets write a byte order mark in front of the first column's name.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _item(cells: _Cells) -> Row:
    item: Row = {}
    attributes: dict[str, str] = {}
    for column, text in cells.by_column.items():
        if column in ITEM_TEXTS:
            item[column] = text
        elif column in ("categories", "aliases"):
            item[column] = [part.strip() for part in text.split("|") if part.strip()]
        elif column in ("in_stock", "recommendable"):
            item[column] = cells.read(column, _claim, way_out="write true or false")
        else:
            attributes[column] = text
    if attributes:
        item["attributes"] = attributes
    return item


def _event(cells: _Cells) -> Row:
    event: Row = dict(cells.by_column)
    line = {column: event.pop(column) for column in LINE_COLUMNS.intersection(event)}
    if "quantity" in line:
        line["quantity"] = cells.read("quantity", int, way_out="write a whole number such as 2")
    if line and "item_id" in event:
        event["items"] = [{"id": event.pop("item_id")} | line]
    return event


def _claim(text: str) -> bool:
    claims = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in claims:
        raise ValueError(text)
    return claims[text.lower()]
