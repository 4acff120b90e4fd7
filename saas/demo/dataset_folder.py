"""Reads a store of one's own from a folder of CSV files, as an import would.

`items.csv` and `events.csv`, each perhaps packed as `.csv.gz`, have the columns of an import.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.files.cells import Kind
from engine.files.open_rows import RowReader, open_rows
from engine.files.records import RowError
from saas.lib.errors import ShelfwiseError

ITEM_COLUMNS, EVENT_COLUMNS = ("id", "title"), ("type", "user_id", "item_id", "ts")

Row = dict[str, Any]


class DatasetError(ValueError):
    """A folder that cannot be read, said in one sentence with the place and the way out."""


@dataclass(frozen=True)
class DatasetFolder:
    """A store's catalogue and events in a folder; both files are looked into at once."""

    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise DatasetError(f"'{self.folder}' is no folder; give one that holds items.csv.")
        for table in (self._items, self._events):
            next(table.rows(), None)

    @cached_property
    def item_count(self) -> int:
        """How many items there are: a pass over the file."""
        return self._items.count()

    @cached_property
    def event_count(self) -> int:
        """How many events there are: a pass over the file."""
        return self._events.count()

    def items(self) -> Iterator[Row]:
        """Yield items in the shape of `POST /v1/items:batch`, other columns as attributes."""
        return self._items.rows()

    def events(self) -> Iterator[Row]:
        """Yield events in the shape of `POST /v1/events`, one for each row of the file."""
        return self._events.rows()

    @property
    def _items(self) -> _Table:
        return _Table(_find(self.folder, "items.csv"), "items", ITEM_COLUMNS)

    @property
    def _events(self) -> _Table:
        return _Table(_find(self.folder, "events.csv"), "events", EVENT_COLUMNS)


@dataclass(frozen=True)
class _Table:
    """One file with a header."""

    path: Path
    kind: Kind
    required: Sequence[str]

    def rows(self) -> Iterator[Row]:
        try:
            with open_rows(self.path, kind=self.kind) as reader:
                self._check(reader)
                for batch in reader:
                    if batch.errors:
                        raise self._bad(batch.errors[0])
                    yield from batch.rows
        except ShelfwiseError as error:
            raise DatasetError(f"{self.path.name}: {error.detail}") from None

    def count(self) -> int:
        return sum(1 for _ in self.rows())

    def _check(self, reader: RowReader) -> None:
        found = [column.strip().lower() for column in reader.columns or self.required]
        for column in self.required:
            if column not in found:
                raise DatasetError(
                    f"{self.path.name}, line 1: no column '{column}' (found: {', '.join(found)});"
                    f" name the columns {', '.join(self.required)} there."
                )

    def _bad(self, error: RowError) -> DatasetError:
        place = f"{self.path.name}, line {error.line}"
        if error.column:
            place += f", column {error.column}"
        return DatasetError(f"{place}: '{error.value}'; {error.detail}")


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DatasetError(f"'{folder}' has no {name} or {name}.gz; put the file there.")
