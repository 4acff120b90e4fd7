"""Keeps the good rows of a file until it has been read whole, with the names they meet under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson
from django.db import connection

from engine.models.imports import StagedRow
from engine.rows.event_key import event_key_of
from engine.services.write_import_rows import FileRow, batches

_STAGE = """
    INSERT INTO engine_stagedrow (import_id, position, batch, line, name, order_id, row)
    SELECT %s, position, batch, line, name, order_id, row
    FROM unnest(
        %b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[]
    ) AS sent (position, batch, line, name, order_id, row)
"""
_MET = """
    SELECT batch, line, row FROM engine_stagedrow
    WHERE import_id = %s AND position < %s
        AND (name = ANY(%b::text[]) OR order_id = ANY(%b::text[]))
    ORDER BY position
"""


def stage_rows(
    *, import_id: str, kind: str, first: int, rows: Sequence[FileRow], without: set[int]
) -> None:
    """Stage rows in one statement.

    Parameters
    ----------
    import_id, kind
        Of which import, and what it brings.
    first
        The position of the first row in the file.
    rows, without
        The rows, and which of them are bad.
    """
    records = []
    for start, batch in batches(rows):
        for number, row in enumerate(batch, start=start):
            if number not in without:
                name, order_id = _names(kind, row.values)
                text = orjson.dumps(row.values, default=str).decode()
                records.append((first + number, first + start, row.line, name, order_id, text))
    if not records:
        return
    columns = [list(column) for column in zip(*records, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_STAGE, [import_id, *columns])


def rows_met(
    *, import_id: str, kind: str, before: int, rows: Iterable[FileRow]
) -> list[list[FileRow]]:
    """Return the staged rows before a position that share a name with these, batch by batch."""
    pairs = [_names(kind, row.values) for row in rows]
    names = sorted({name for name, _ in pairs if name is not None})
    orders = sorted({order_id for _, order_id in pairs if order_id is not None})
    with connection.cursor() as cursor:
        cursor.execute(_MET, [import_id, before, names, orders])
        found = cursor.fetchall()
    return [
        [FileRow(line, orjson.loads(text)) for _, line, text in batch]
        for _, batch in groupby(found, key=lambda row: row[0])
    ]


def staged_rows(*, import_id: str, after: int, most: int) -> list[tuple[int, FileRow]]:
    """Return up to `most` staged rows with their positions, those after a position."""
    rows = StagedRow.objects.filter(import_id=import_id, position__gt=after).order_by("position")
    return [
        (position, FileRow(line, orjson.loads(text)))
        for position, line, text in rows.values_list("position", "line", "row")[:most]
    ]


def _names(kind: str, values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return what tells rows apart: whatever else they say, others cannot change what comes of it.

    Longer texts than an id's belong to rows that are refused anyway.
    """
    if kind != "events":
        return _text(values.get("id")), None
    event_id = _text(values.get("event_id"))
    has_time = values.get("ts") is not None
    order_id = _text(values.get("order_id"))
    if event_id is None and not has_time:
        return None, order_id
    return event_key_of(values, event_id=event_id, has_time=has_time).key.hex(), order_id


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= 256 and "\0" not in value else None
