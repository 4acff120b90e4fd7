"""Keeps the good rows of a file until it has been read whole, with the names they meet under."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from django.db import connection

from engine.models.imports import StagedRow
from engine.rows.event_batch import EventBatch
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
    WHERE import_id = %s AND position < %s AND row <> ''
        AND (name = ANY(%b::text[]) OR order_id = ANY(%b::text[]))
    ORDER BY position
"""


class Named(NamedTuple):
    """What tells a row apart: whatever else it says, others cannot change what comes of it.

    Attributes
    ----------
    number
        Which of the rows it is.
    first
        The number of the first row that is written by the same statement.
    name
        An item's or a user's id, an event's key; None of a row that will be refused.
    order_id
        Events of one order can meet, too.
    """

    number: int
    first: int
    name: str | None
    order_id: str | None


def named_rows(rows: Sequence[FileRow], *, events: EventBatch | None) -> list[Named]:
    """Return what tells the rows of a batch apart, without those that cannot change anything."""
    if events is not None:
        return [
            Named(row.index, 0, key.hex(), row.values.get("order_id"))
            for key, row in events.rows.items()
        ]
    return [
        Named(start + number, start, _text(row.values.get("id")), None)
        for start, batch in batches(rows)
        for number, row in enumerate(batch)
    ]


def stage_rows(
    *,
    import_id: str,
    first: int,
    rows: Sequence[FileRow],
    named: Iterable[Named],
    without: Collection[int],
) -> None:
    """Stage rows in one statement.

    Parameters
    ----------
    import_id
        Of which import.
    first
        The position of the first row in the file.
    rows, named, without
        The rows, what tells them apart, and which of them are bad.
    """
    records = [
        (
            first + each.number,
            first + each.first,
            rows[each.number].line,
            each.name,
            each.order_id,
            orjson.dumps(rows[each.number].values, default=str).decode(),
        )
        for each in named
        if each.number not in without
    ]
    if not records:
        return
    columns = [list(column) for column in zip(*records, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_STAGE, [import_id, *columns])


def stage_names(*, import_id: str, first: int, names: Iterable[tuple[int, Any]]) -> None:
    """Stage what bad rows are about: the file has it, so that it is not to be deleted.

    Parameters
    ----------
    import_id, first
        As for `stage_rows`.
    names
        The numbers of the rows, and their ids; one that is none may stand for any item. Nothing is
        staged to be written of them.
    """
    known = [(first + number, _readable(name)) for number, name in names]
    if not known:
        return
    positions, texts = (list(column) for column in zip(*known, strict=True))
    nothing, empty = [None] * len(known), [""] * len(known)
    with connection.cursor() as cursor:
        cursor.execute(
            _STAGE, [import_id, positions, positions, [0] * len(known), texts, nothing, empty]
        )


def rows_met(*, import_id: str, before: int, named: Iterable[Named]) -> list[list[FileRow]]:
    """Return the staged rows before a position that share a name with these, batch by batch."""
    pairs = [(each.name, each.order_id) for each in named]
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
    rows = StagedRow.objects.filter(import_id=import_id, position__gt=after).exclude(row="")
    return [
        (position, FileRow(line, orjson.loads(text)))
        for position, line, text in rows.order_by("position").values_list(
            "position", "line", "row"
        )[:most]
    ]


def _readable(name: Any) -> str | None:
    # The file's own reader puts this where bytes are no text.
    text = _text(name)
    return None if text is None or "\N{REPLACEMENT CHARACTER}" in text else text


def _text(value: Any) -> str | None:
    # Longer texts than an id's belong to rows that are refused anyway.
    return value if isinstance(value, str) and len(value) <= 256 and "\0" not in value else None
