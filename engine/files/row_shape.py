"""Turns the cells of a file into rows in the API's shape, or says which cell is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from json import dumps
from typing import Any, Literal, NamedTuple

from engine.files.cells import CellReader, Empty, Kind, as_text, fields_of, read_identifier
from engine.files.column_names import left_out, meant_by
from engine.files.numbers import Money, Numbers
from engine.files.records import Record, RowError, row_error, shortened
from engine.files.times import Times
from engine.rows.reading import nearest
from engine.rows.values import BadValue, shown
from saas.lib.errors import FieldError, InvalidParameter, UnreadableFile

# A column that is no field: an attribute, nothing, or left for the row's own reader to refuse.
Extras = Literal["attributes", "ignored", "kept"]
_ATTRIBUTE = "attributes."
# Our exports put the apostrophe there, so that a spreadsheet runs no formula.
_DISARMED = frozenset({"'=", "'+", "'-", "'@", "'\t", "'\r"})
# A feed whose rows each name other columns does not fill the memory with them.
_MAX_KNOWN_COLUMNS = 10_000
# Without these columns no row can be read.
_NEEDED: Mapping[Kind, str] = {"items": "id", "events": "type", "users": "id"}
_POINTER = re.compile(r"^/(?:items|events|users)/(\d+)(?=/|$)")


class _Step(NamedTuple):
    """What to do with a column's cells; a text is left alone where `takes_text`."""

    field: str
    read: CellReader | None
    empty: Empty
    name: str | None = None
    takes_text: bool = False


def _as_it_is(value: Any) -> Any:
    return value


class RowShape:
    """The rows of one file: its columns by our names for them."""

    def __init__(
        self, *, kind: Kind, mapping: Mapping[str, str], times: Times, extras: Extras
    ) -> None:
        self._kind = kind
        # JSON's rows are the API's, which takes a decimal string with a point.
        self._numbers = Numbers("." if extras == "kept" else None)
        self._fields = fields_of(kind, times, self._numbers)
        self._extras = extras
        self._ours: dict[str, list[str]] = {}
        for ours, theirs in mapping.items():
            self._ours.setdefault(theirs.strip(), []).append(ours)
        self._taken = {ours for names in self._ours.values() for ours in names}
        self._steps: dict[str, tuple[_Step, ...]] = {}

    def check_columns(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the columns that nothing is done with, and a sentence about each.

        Raises
        ------
        UnreadableFile
            The column that every row needs is not there.
        """
        fields = {step.field for column in columns for step in self._steps_of(column)}
        needed = _NEEDED[self._kind]
        if needed not in fields:
            found = _named(columns)
            theirs = next((each for each in columns if meant_by(each, [needed])), "their column")
            raise UnreadableFile(
                f"The file has no column '{needed}' (found: {found}); name one so, or send a "
                f"mapping such as {dumps({needed: theirs[:80]}, ensure_ascii=False)}."
            )
        missing = self._fields.keys() - fields
        return {
            column: left_out(column, kind=self._kind, missing=missing)
            for column in columns
            if column and not self._steps_of(column)
        }

    def learn(self, records: Iterable[Record]) -> None:
        """Find out from the first rows of a file how it writes numbers."""
        self._numbers.learn(
            cell.strip()
            for record in records
            for column, cell in record.cells.items()
            if isinstance(cell, str)
            and any(step.read in self._numbers.readers for step in self._steps_of(column))
        )

    def row(self, record: Record) -> dict[str, Any] | RowError:
        """Return a record as the API's row, or what is wrong with it."""
        row: dict[str, Any] = {}
        bad: list[tuple[str, BadValue]] = []
        currencies: dict[str, str] = {}
        for column, cell in record.cells.items():
            value = cell.strip() if cell.__class__ is str else cell
            steps = self._steps.get(column)
            for step in self._steps_of(column) if steps is None else steps:
                if step.takes_text and value.__class__ is str and value and value[0] != "'":
                    row[step.field] = value
                    continue
                try:
                    currency = _take(row, step, value)
                except BadValue as error:
                    bad.append((column, error))
                else:
                    if currency is not None:
                        currencies[column] = currency
        if currencies:
            _agree(row, currencies, bad)
        return self._error(record, bad) if bad else row

    def ids_of(self, record: Record) -> list[str]:
        """Return the id that a record names, whatever else it says; none where there is none."""
        cells = (
            cell.strip() if isinstance(cell, str) else read_identifier(cell)
            for column, cell in record.cells.items()
            if any(step.field == "id" for step in self._steps_of(column))
        )
        return [cell for cell in cells if isinstance(cell, str) and cell]

    def _error(self, record: Record, bad: list[tuple[str, BadValue]]) -> RowError:
        """Return the first thing that is wrong, and the names of the others."""
        column, error = bad[0]
        first = row_error(
            line=record.line,
            column=record.origin.get(column, column),
            value=record.cells[column],
            bad=error,
        )
        others = list(dict.fromkeys(record.origin.get(name, name) for name, _ in bad[1:]))
        if not others:
            return first
        named = ", ".join(shortened(name) for name in others)
        return RowError(
            line=first.line,
            column=first.column,
            value=first.value,
            code=first.code,
            detail=f"{first.detail} Wrong as well: {named}.",
        )

    def explain(self, error: FieldError, record: Record) -> RowError:
        """Return what the row's own reader refused, by the file's line, column and value."""
        pointer = error.pointer
        match = _POINTER.match(pointer)
        if match and error.index is not None and int(match[1]) == error.index:
            pointer = pointer[match.end() :]
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:3]]
        column = self._column(parts, record.cells)
        return RowError(
            line=record.line,
            column=record.origin.get(column, column),
            value=shortened(record.cells.get(column)),
            code=error.code,
            detail=error.detail,
        )

    def _column(self, parts: list[str], cells: Mapping[str, Any]) -> str:
        """Return the column that a member's value came from, or the member's name."""
        if not parts:
            return ""
        for column in cells:
            for step in self._steps_of(column):
                if step.field == parts[0] and step.name in (None, *parts[1:]):
                    return column
        return parts[0]

    def _steps_of(self, column: str) -> tuple[_Step, ...]:
        steps = self._steps.get(column)
        if steps is None:
            if len(self._steps) >= _MAX_KNOWN_COLUMNS:
                self._steps.clear()
            steps = self._steps[column] = self._resolved(column)
        return steps

    def _resolved(self, column: str) -> tuple[_Step, ...]:
        """Return what a column is for: the mapping's word, then its own name."""
        name = column.strip()
        ours = self._ours.get(name)
        if ours is not None:
            return tuple(self._step(each) for each in ours)
        known = name if name in self._fields else name.lower().replace(" ", "_")
        if known in self._fields:
            return () if known in self._taken else (self._step(known),)
        if self._extras == "kept":
            return (_Step(column, _as_it_is, Empty.CLEARS),)
        if self._extras == "ignored" or not name:
            return ()
        return (self._step(name if name.startswith(_ATTRIBUTE) else _ATTRIBUTE + name),)

    def _step(self, ours: str) -> _Step:
        if ours.startswith(_ATTRIBUTE):
            name = ours.removeprefix(_ATTRIBUTE)
            return _Step("attributes", _as_it_is, Empty.CLEARS, name)
        field = self._fields[ours]
        takes_text = field.read in {None, read_identifier}
        return _Step(ours, field.read, field.empty, takes_text=takes_text)


def check_mapping(mapping: Mapping[str, str], *, kind: Kind) -> None:
    """Refuse a mapping of fields that rows of this kind do not have.

    Raises
    ------
    InvalidParameter
        It names such a field.
    """
    fields = fields_of(kind, Times(None), Numbers())
    for ours in mapping:
        is_attribute = ours.startswith(_ATTRIBUTE) and len(ours) > len(_ATTRIBUTE)
        if ours not in fields and not (is_attribute and "attributes" in fields):
            raise InvalidParameter(
                f"mapping names the field {shown(ours)}, which {kind} do not have"
                f"{nearest(ours, fields)}; map one of {', '.join(fields)}.",
                pointer="/mapping",
            )


def check_mapped(mapping: Mapping[str, str], columns: Sequence[str]) -> None:
    """Refuse a file that lacks a column of the mapping.

    Raises
    ------
    UnreadableFile
        It does.
    """
    for theirs in mapping.values():
        if theirs.strip() not in columns:
            hint = nearest(theirs, dict.fromkeys(columns))
            raise UnreadableFile(
                f"The file has no column {shown(theirs)}, which the mapping names{hint}; it has "
                f"{_named(columns)}."
            )


def _named(columns: Sequence[str]) -> str:
    return ", ".join(columns)[:300]


def _take(row: dict[str, Any], step: _Step, value: Any) -> str | None:
    """Put a cell's value into the row, and return the currency that stood beside it."""
    if value is None or value == "":
        _empty(row, step)
        return None
    if value.__class__ is str and value[0] == "'" and value[:2] in _DISARMED:
        value = value[1:]
    currency = None
    if step.read is not None:
        value = step.read(value)
        if value.__class__ is Money:
            value, currency = value
    elif value.__class__ is not str:
        value = as_text(value)
    if step.field != "attributes":
        row[step.field] = value
    elif step.name is not None:
        _attributes(row)[step.name] = value
    elif isinstance(value, dict):
        row["attributes"] = {**value, **_attributes(row)}
    else:
        raise BadValue("invalid_type", 'write an object such as {"colour": "red"}')
    return currency


def _empty(row: dict[str, Any], step: _Step) -> None:
    if step.empty is Empty.IS_AN_ERROR:
        raise BadValue("missing_field", f"fill in the {step.field}")
    if step.name is not None:
        _attributes(row)[step.name] = None
    elif step.empty is Empty.CLEARS:
        row.setdefault(step.field, None)


def _attributes(row: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] | None = row.get("attributes")
    if known is None:
        known = row["attributes"] = {}
    return known


def _agree(
    row: dict[str, Any], currencies: Mapping[str, str], bad: list[tuple[str, BadValue]]
) -> None:
    """Take the currency beside the prices for the row's, if they are one."""
    named = {*currencies.values(), *filter(None, [row.get("currency")])}
    if len(named) == 1:
        row["currency"] = named.pop()
        return
    advice = f"the row names the currencies {' and '.join(sorted(named))}; write one"
    bad.append((next(iter(currencies)), BadValue("conflicting_fields", advice)))
