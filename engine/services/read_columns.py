"""Looks into an uploaded file for its columns, and at which of our fields they probably mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from engine.files.byte_source import ByteSource
from engine.files.cells import Kind, fields_of
from engine.files.column_names import meant_by
from engine.files.detect import container_of, format_of
from engine.files.numbers import Numbers
from engine.files.records import Record, shortened
from engine.files.times import Times
from engine.selectors.import_details import newest_mapping
from engine.services.import_uploads import upload_path

_SAMPLES = 3
# Without these a row says little; for any other field a guess could cost an attribute its column.
_WORTH_A_GUESS: Mapping[str, Sequence[str]] = {
    "items": ("id", "title"),
    "events": ("type", "ts", "item_id", "user_id", "anonymous_id"),
    "users": ("id",),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file and some of what stands in it."""

    name: str
    samples: Sequence[str]


@dataclass(frozen=True, slots=True)
class FileColumns:
    """What the file's header says.

    Attributes
    ----------
    columns
        Empty where each row names its own, as in NDJSON.
    fields
        Our names for the members of a row of this kind.
    suggested
        The mapping that was used last with such columns, or a guess at the most important ones.
    """

    columns: Sequence[Column]
    fields: Sequence[str]
    suggested: Mapping[str, str]

    def field_of(self, column: str, mapping: Mapping[str, str]) -> str:
        """Return the field that a column's cells go to; empty where it is none of ours."""
        for ours, theirs in mapping.items():
            if theirs.strip() == column.strip():
                return ours
        name = column.strip().lower().replace(" ", "_")
        return name if name in self.fields and name not in mapping else ""


def read_columns(*, environment_id: int, import_id: str, kind: str) -> FileColumns | None:
    """Return the columns of a file, inside `in_environment`.

    Parameters
    ----------
    environment_id, import_id
        Whose file, and of which import.
    kind
        ``items``, ``events`` or ``users``.

    Returns
    -------
    FileColumns or None
        None where the file is not kept any more.

    Raises
    ------
    UnreadableFile, ImportTooLarge
        As `engine.files.open_rows` does.
    """
    path = upload_path(environment_id=environment_id, import_id=import_id)
    if not path.exists():
        return None
    source = ByteSource(path)
    try:
        container = container_of(source)
        names = container.columns or ()
        first = next(iter(container.blocks()), None) if names else None
        is_plain = format_of(container, kind=cast(Kind, kind), asked="auto", mapping={}) == "plain"
    finally:
        source.close()
    rows = [each for each in (first.entries if first else ()) if isinstance(each, Record)]
    columns = [
        Column(name, [shortened(row.cells.get(name)) for row in rows[:_SAMPLES]]) for name in names
    ]
    fields = tuple(fields_of(cast(Kind, kind), Times(None), Numbers()))
    suggested = newest_mapping(kind=kind, columns=names)
    if suggested is None:
        suggested = _guessed(names, kind=kind, fields=fields) if is_plain else {}
    return FileColumns(columns=columns, fields=fields, suggested=suggested)


def _guessed(columns: Sequence[str], *, kind: str, fields: Sequence[str]) -> dict[str, str]:
    """Return the first column that probably means each important field that has none."""
    own = {column.strip().lower().replace(" ", "_") for column in columns}
    guessed: dict[str, str] = {}
    for column in columns:
        missing = [
            field for field in _WORTH_A_GUESS[kind] if field not in own and field not in guessed
        ]
        if column.strip().lower().replace(" ", "_") in fields or not missing:
            continue
        meant = meant_by(column, missing)
        if meant is not None:
            guessed[meant] = column
    return guessed
