"""Opens a file of an import and yields its rows in batches: the first step of every import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, BinaryIO, Self

from typing_extensions import override

from engine.files.byte_source import ByteSource
from engine.files.cells import Kind
from engine.files.detect import Format, container_of, dialect_of, format_of
from engine.files.json_lines import JsonLines
from engine.files.limits import MAX_BATCH_CHARACTERS, MAX_BATCH_ROWS, MAX_ROWS
from engine.files.parquet_table import ParquetTable
from engine.files.records import Entry, Record, RowError
from engine.files.row_shape import Extras, RowShape, check_mapped, check_mapping
from engine.files.times import Times
from saas.lib.errors import FieldError, ImportTooLarge

_NO_MAPPING: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True)
class Batch:
    """Rows of a file that lie next to each other; the same file is always cut the same way.

    Attributes
    ----------
    ordinal
        Which batch of the file it is, from 0.
    rows
        The readable rows, in the API's shape.
    lines
        Where each of them begins in the file.
    errors
        The others.
    ids_of_errors
        What those of them are about; None where that cannot be read.
    bytes_read
        How much of the file was read for it and those before, to compare with `total_bytes`.
    """

    ordinal: int
    bytes_read: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    ids_of_errors: list[str | None] = field(default_factory=list)
    _records: list[Record] = field(default_factory=list)
    _shape: RowShape | None = None

    def explain(self, error: FieldError, *, index: int) -> RowError:
        """Return what the row's own reader refused, by the file's line, column and value.

        Parameters
        ----------
        error
            Of `read_item_row`, `read_event_row` or `read_user_row`.
        index
            Which of `rows` it is about.
        """
        assert self._shape is not None  # noqa: S101  # set with the rows
        return self._shape.explain(error, self._records[index])


class RowReader(Iterator[Batch]):
    """The batches of one file.

    Attributes
    ----------
    format
        Whose names the columns have.
    columns
        The names in the header; None where each row names its own.
    ignored_columns
        Columns of events that are no member of an event, and a sentence about each.
    total_bytes
        The size of the file as it came, where it is known.
    """

    def __init__(
        self,
        source: ByteSource,
        *,
        kind: Kind,
        format: Format,
        mapping: Mapping[str, str],
        timezone: str | None,
        now: datetime,
        first_batch: int,
    ) -> None:
        times = Times(timezone)
        self._source = source
        self._container = container_of(source)
        self.format = format_of(self._container, kind=kind, asked=format, mapping=mapping)
        self._dialect = dialect_of(self.format, mapping=mapping, times=times, now=now)
        check_mapping(mapping, kind=kind)
        names = mapping if self._dialect is None else _NO_MAPPING
        self._shape = RowShape(
            kind=kind, mapping=names, times=times, extras=_extras(self._container, kind)
        )
        self.columns = self._container.columns
        self.total_bytes = source.total_bytes
        self.ignored_columns: Mapping[str, str] = _NO_MAPPING
        if self.columns is not None:
            check_mapped(mapping, self.columns)
            if self._dialect is None:
                self.ignored_columns = self._shape.check_columns(self.columns)
        self._first_batch = first_batch
        self._batches = self._cut()

    def _bytes_read(self) -> int:
        if isinstance(self._container, ParquetTable) and self.total_bytes is not None:
            share = self._container.rows_read / max(1, self._container.row_count)
            return int(self.total_bytes * share)
        return self._source.bytes_read

    @override
    def __next__(self) -> Batch:
        return next(self._batches)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if it was opened here."""
        self._source.close()

    def _cut(self) -> Iterator[Batch]:
        rows = 0
        for ordinal, entries in enumerate(self._parts()):
            rows += len(entries)
            if rows > MAX_ROWS:
                raise ImportTooLarge(
                    f"The file has more than {MAX_ROWS:,} rows; send it in several parts."
                )
            if ordinal == 0:
                # Also where the file was left in its midst: its rows read as before.
                self._shape.learn(each for each in entries if isinstance(each, Record))
            if ordinal >= self._first_batch:
                yield self._batch(ordinal, entries)

    def _parts(self) -> Iterator[list[Entry]]:
        """Yield what each batch is made of: as many rows as it takes, fewer where they are long."""
        waiting: list[Entry] = []
        characters = 0
        for block in self._container.blocks():
            entries = block.entries
            waiting += entries if self._dialect is None else self._dialect.entries(entries)
            characters += block.characters
            while len(waiting) >= MAX_BATCH_ROWS or (
                waiting and characters >= MAX_BATCH_CHARACTERS
            ):
                yield waiting[:MAX_BATCH_ROWS]
                waiting, characters = waiting[MAX_BATCH_ROWS:], 0
        if waiting:
            yield waiting

    def _batch(self, ordinal: int, entries: list[Entry]) -> Batch:
        batch = Batch(ordinal, self._bytes_read(), _shape=self._shape)
        for entry in entries:
            row = entry if isinstance(entry, RowError) else self._shape.row(entry)
            if isinstance(row, RowError):
                batch.errors.append(row)
                batch.ids_of_errors += (
                    self._shape.ids_of(entry) if isinstance(entry, Record) else [None]
                )
            elif isinstance(entry, Record):
                batch.rows.append(row)
                batch.lines.append(entry.line)
                batch._records.append(entry)
        return batch


def open_rows(
    source: Path | BinaryIO,
    *,
    kind: Kind,
    format: Format = "auto",
    mapping: Mapping[str, str] = _NO_MAPPING,
    timezone: str | None = None,
    now: datetime | None = None,
    first_batch: int = 0,
) -> RowReader:
    """Open a file of items, events or users.

    Parameters
    ----------
    source
        CSV, TSV, NDJSON, Parquet or a Merchant feed in XML, each as it is or packed with gzip. A
        stream is read from where it stands, and left open.
    kind
        What the rows are.
    format
        Whose names the columns have; "auto" finds out.
    mapping
        The file's column for a field of ours, or for "attributes.<name>".
    timezone
        Of times that say none, by its IANA name.
    now
        When sales are to run (default: the clock's time).
    first_batch
        The batches before are read and not understood, to go on where an import stopped.

    Returns
    -------
    RowReader
        Batches of at most `MAX_BATCH_ROWS` rows and errors together.

    Raises
    ------
    ImportTooLarge
        More bytes, rows or columns than the limits; here, or while reading.
    UnreadableFile
        None of the formats, or broken off; here, or while reading.
    InvalidParameter
        The format, the mapping or the timezone is not known.
    """
    opened = ByteSource(source)
    try:
        return RowReader(
            opened,
            kind=kind,
            format=format,
            mapping=mapping,
            timezone=timezone,
            now=now or datetime.now(UTC),
            first_batch=first_batch,
        )
    except BaseException:
        opened.close()
        raise


def _extras(container: object, kind: Kind) -> Extras:
    """Return what becomes of a column that is no field: NDJSON is as strict as a request."""
    if isinstance(container, JsonLines):
        return "kept"
    return "ignored" if kind == "events" else "attributes"
