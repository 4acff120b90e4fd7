"""Writes rows as CSV, NDJSON or Parquet, in the form that an import reads back unchanged."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, BinaryIO, Literal, Protocol

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

ColumnType = Literal["text", "flag", "count", "money", "number", "time", "names", "json"]
TableFormat = Literal["csv", "ndjson", "parquet"]
Row = Mapping[str, Any]

ITEM_COLUMNS: Mapping[str, ColumnType] = MappingProxyType(
    {
        "id": "text",
        "title": "text",
        "description": "text",
        "categories": "names",
        "brand": "text",
        "price": "money",
        "list_price": "money",
        "currency": "text",
        "in_stock": "flag",
        "recommendable": "flag",
        "available_from": "time",
        "available_until": "time",
        "url": "text",
        "image_url": "text",
        "group_id": "text",
        "aliases": "names",
        "attributes": "json",
        "source_updated_at": "time",
    }
)
EVENT_COLUMNS: Mapping[str, ColumnType] = MappingProxyType(
    {
        "type": "text",
        "user_id": "text",
        "item_id": "text",
        "ts": "time",
        "event_id": "text",
        "anonymous_id": "text",
        "session_id": "text",
        "quantity": "number",
        "price": "money",
        "line_id": "text",
        "items": "json",
        "order_id": "text",
        "value": "money",
        "currency": "text",
        "query": "text",
        "category": "text",
        "recommendation_id": "text",
        "placement": "text",
        "context": "json",
    }
)
RECOMMENDATION_COLUMNS: Mapping[str, ColumnType] = MappingProxyType(
    {
        "user_id": "text",
        "rank": "count",
        "item_id": "text",
        "score": "number",
        "strategy": "text",
    }
)
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ARROW_TYPES: Mapping[ColumnType, pa.DataType] = MappingProxyType(
    {
        "text": pa.string(),
        "flag": pa.bool_(),
        "count": pa.int32(),
        "money": pa.decimal128(14, 4),
        "number": pa.float64(),
        "time": pa.timestamp("us", tz="UTC"),
        "names": pa.list_(pa.string()),
        "json": pa.string(),
    }
)


class TableWriter(Protocol):
    """A file that takes rows, which may lack members; the caller opens and closes the file."""

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""

    def finish(self) -> None:
        """Write what belongs behind the last row."""


def table_writer(
    file: BinaryIO, *, format: TableFormat, columns: Mapping[str, ColumnType]
) -> TableWriter:
    """Return what writes rows of these columns into a file."""
    kinds: Mapping[TableFormat, Callable[[BinaryIO, Mapping[str, ColumnType]], TableWriter]]
    kinds = {"csv": _Csv, "ndjson": _Ndjson, "parquet": _Parquet}
    return kinds[format](file, columns)


def defused(text: str) -> str:
    """Return a cell of CSV that no spreadsheet runs.

    >>> defused("=cmd|' /C calc'!A0"), defused("a-b")
    ("'=cmd|' /C calc'!A0", 'a-b')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain_amount(amount: Decimal) -> str:
    """Return an amount whose point no reader takes for one between thousands.

    >>> plain_amount(Decimal("12.9000")), plain_amount(Decimal("1.2340")), plain_amount(Decimal(3))
    ('12.90', '1.2340', '3.00')
    """
    whole, _, decimals = f"{amount:f}".partition(".")
    decimals = decimals.rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals if len(decimals) != 3 else decimals + '0'}"


def plain_number(number: Decimal) -> int | float:
    """Return a quantity as JSON writes it."""
    return int(number) if number == int(number) else float(number)


class _Csv:
    def __init__(self, file: BinaryIO, columns: Mapping[str, ColumnType]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self._cells = [(name, _CELLS[kind]) for name, kind in columns.items()]
        self._writer.writerow(columns)

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._writer.writerow(
                [
                    "" if (value := row.get(name)) is None else cell(value)
                    for name, cell in self._cells
                ]
            )

    def finish(self) -> None:
        # Else it would close the file, which is not its own.
        self._text.detach()


class _Ndjson:
    def __init__(self, file: BinaryIO, columns: Mapping[str, ColumnType]) -> None:
        self._file = file
        self._special = [
            (name, _MEMBERS[kind]) for name, kind in columns.items() if kind in _MEMBERS
        ]

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            members = dict(row)
            for name, member in self._special:
                if members.get(name) is not None:
                    members[name] = member(members[name])
            self._file.write(orjson.dumps(members, option=orjson.OPT_APPEND_NEWLINE))

    def finish(self) -> None:
        pass


class _Parquet:
    def __init__(self, file: BinaryIO, columns: Mapping[str, ColumnType]) -> None:
        self._columns = columns
        self._schema = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in columns.items()])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, rows: Iterable[Row]) -> None:
        taken = list(rows)
        columns = [
            [_in_parquet(row.get(name), kind) for row in taken]
            for name, kind in self._columns.items()
        ]
        arrays = [
            pa.array(values, type=field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def finish(self) -> None:
        self._writer.close()


def _in_parquet(value: Any, kind: ColumnType) -> Any:
    if value is None:
        return None
    if kind == "json":
        return _json(value)
    return float(value) if kind == "number" else value


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


_CELLS: Mapping[ColumnType, Callable[[Any], str]] = MappingProxyType(
    {
        "text": defused,
        "flag": lambda value: "true" if value else "false",
        "count": str,
        "money": plain_amount,
        "number": plain_amount,
        "time": _moment,
        "names": lambda value: defused("|".join(value)),
        "json": _json,
    }
)
_MEMBERS: Mapping[ColumnType, Callable[[Any], Any]] = MappingProxyType(
    {"money": plain_amount, "number": plain_number, "time": _moment}
)
