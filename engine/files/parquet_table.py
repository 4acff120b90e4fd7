"""Reads Parquet, which warehouses export, through pyarrow in record batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.files.byte_source import ByteSource
from engine.files.limits import MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROW_CHARACTERS, MAX_ROWS
from engine.files.records import Block, Entry, Record, RowError, shortened
from saas.lib.errors import ImportTooLarge, UnreadableFile

# So many rows of 64 kB are what a batch may hold.
_BATCH_ROWS = 250
_BUFFER_BYTES = 1024 * 1024
# What a moment looks like as text; fractions come with %S.
_MOMENT = "%Y-%m-%dT%H:%M:%S"


class ParquetTable:
    """Rows in typed columns; their line is their number, from 1."""

    def __init__(self, source: ByteSource) -> None:
        try:
            self._file = _opened(source.seekable())
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(error) from None
        metadata = self._file.metadata
        _check_size(metadata)
        self.row_count: int = metadata.num_rows
        self.rows_read = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self._file.schema_arrow.names)

    def blocks(self) -> Iterator[Block]:
        """Yield the rows, a block at a time."""
        names = self.columns
        batches = self._file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                columns = [_values(column) for column in batch.columns]
            except (pa.ArrowException, OSError) as error:
                raise _unreadable(error) from None
            entries: list[Entry] = []
            characters = 0
            for line, cells in enumerate(zip(*columns, strict=True), start=self.rows_read + 1):
                length = sum(len(each) for each in cells if isinstance(each, str))
                is_short = length <= MAX_ROW_CHARACTERS
                record = Record(line, dict(zip(names, cells, strict=True)))
                entries.append(record if is_short else _too_long(record))
                characters += length if is_short else 0
            self.rows_read += batch.num_rows
            yield Block(entries, characters)


def _opened(file: BinaryIO) -> pq.ParquetFile:
    """Return the table with its texts in dictionaries.

    A text that a million rows share is a few bytes in the file; only so it stays one text here.
    """
    schema = pq.read_schema(file)
    texts = [each.name for each in schema if pa.types.is_string(each.type)]
    file.seek(0)
    return pq.ParquetFile(file, read_dictionary=texts, buffer_size=_BUFFER_BYTES, pre_buffer=False)


def _looked_up(column: Any) -> list[Any]:
    """Return the values of a dictionary's column, each of them made once."""
    indices = column.indices
    used = indices.unique().drop_null()
    values = dict(zip(used.to_pylist(), _values(column.dictionary.take(used)), strict=True))
    return [None if each is None else values[each] for each in indices.to_pylist()]


def _values(column: Any) -> list[Any]:
    """Return a column's values as JSON knows them."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _looked_up(column)
    if pa.types.is_timestamp(kind):
        # With a zone the stored number counts from 1970 in UTC, whatever the zone is.
        moments = column.cast(pa.timestamp("us", kind.tz), safe=False)
        text = pc.strftime(moments.cast(pa.timestamp("us")), format=_MOMENT)
        zone = "Z" if kind.tz else ""
        return [None if each is None else each + zone for each in text.to_pylist()]
    if pa.types.is_date(kind) or pa.types.is_decimal(kind) or pa.types.is_binary(kind):
        column = column.cast(pa.string())
    values: list[Any] = column.to_pylist()
    if pa.types.is_floating(kind):
        # What pandas writes for a missing number.
        return [None if each != each else each for each in values]
    return values


def _too_long(record: Record) -> RowError:
    return RowError(
        line=record.line,
        column="",
        value=shortened(next(iter(record.cells.values()))),
        code="line_too_long",
        detail=f"A row has at most {MAX_ROW_CHARACTERS // 1024} kB; shorten its longest text.",
    )


def _check_size(metadata: Any) -> None:
    if metadata.num_columns > MAX_COLUMNS:
        raise ImportTooLarge(
            f"The file has {metadata.num_columns} columns; leave some out, {MAX_COLUMNS} are "
            "allowed."
        )
    if metadata.num_rows > MAX_ROWS:
        raise ImportTooLarge(
            f"The file has {metadata.num_rows:,} rows; send at most {MAX_ROWS:,} in one file."
        )
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    if sum(group.total_byte_size for group in groups) > MAX_FILE_BYTES:
        raise ImportTooLarge(
            f"Unpacked, the file has more than {MAX_FILE_BYTES // 1024**3} GB; send it in several "
            "parts."
        )


def _unreadable(error: Exception) -> UnreadableFile:
    first = str(error).splitlines()[0][:200] if str(error) else "no reason given"
    return UnreadableFile(f"The Parquet file cannot be read ({first}); write it anew.")
