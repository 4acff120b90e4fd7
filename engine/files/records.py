"""What the readers of containers hand on: the rows of a file as they stand there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from engine.rows.values import BadValue, shown

_AS_NAMED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be taken: one line of errors.csv.

    Attributes
    ----------
    line
        Where the row begins, from 1; in Parquet, which has no lines, the row's number.
    column
        As the file names it; empty where it is about the whole row.
    value
        What stands there, shortened.
    code
        Stable, for programs.
    detail
        The way to fix it.
    """

    line: int
    column: str
    value: str
    code: str
    detail: str


class Record(NamedTuple):
    """One row before it is understood.

    Attributes
    ----------
    line
        Where it begins.
    cells
        By column, as they stand in the file: texts, or the values of JSON and Parquet.
    origin
        The file's column of a cell that a shop system's format renamed.
    """

    line: int
    cells: Mapping[str, Any]
    origin: Mapping[str, str] = _AS_NAMED


Entry = Record | RowError


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that were read in one go, and how much text they hold."""

    entries: list[Entry]
    characters: int


class Container(Protocol):
    """A file of rows, whatever it is packed in."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Return the names in the header; None where each row names its own."""

    def blocks(self) -> Iterator[Block]:
        """Yield the rows, a block at a time."""


class Dialect(Protocol):
    """A shop system's way to write a catalogue."""

    def entries(self, entries: list[Entry]) -> list[Entry]:
        """Return the rows under our names; what is no item of its own is left out."""


def shortened(value: Any) -> str:
    """Return a value as errors.csv shows it.

    >>> shortened("x" * 90)[-3:], shortened(None), shortened(12)
    ('xx…', '', '12')
    """
    if value is None:
        return ""
    text = shown(value)
    return text[1:-1] if isinstance(value, str) else text


def row_error(*, line: int, column: str, value: Any, bad: BadValue) -> RowError:
    """Return the error of a cell that could not be read."""
    detail = f"{bad.advice[:1].upper()}{bad.advice[1:]}."
    return RowError(line=line, column=column, value=shortened(value), code=bad.code, detail=detail)
