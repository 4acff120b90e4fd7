"""Reads the members of one row with a reader each, and puts what is wrong into sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec
from typing_extensions import override

from engine.rows.values import BadValue, shown
from saas.lib.errors import FieldError, pointer_step

Reader = Callable[[Any], Any]

# A row that is all unknown names costs no more to explain than a bad one, and is echoed no longer.
MAX_UNKNOWN_NAMED = 20
_NAME_CHARACTERS = 128


class Place(msgspec.Struct, frozen=True):
    """Where a row stands: what a sentence calls it, and the JSON pointer that leads to it."""

    noun: str
    pointer: str = ""
    index: int | None = None
    id: str | None = None

    @override
    def __str__(self) -> str:
        if self.id is not None:
            return f"{self.noun} {shown(self.id)}"
        return self.noun if self.index is None else f"{self.noun} number {self.index}"

    def error(self, field_name: str, code: str, sentence: str, *, path: str = "") -> FieldError:
        """Return the error of a field; `path` leads from there to a value inside of it."""
        return FieldError(
            pointer=f"{self.pointer}/{pointer_step(field_name)}{path}"
            if field_name
            else self.pointer,
            code=code,
            detail=f"{self} {sentence}",
            index=self.index,
            id=self.id,
        )


class Reading(msgspec.Struct):
    """What a row's members came to.

    Attributes
    ----------
    values
        What could be read; a member that was null is None.
    bad
        Each refused value with its field and the reason.
    unknown
        The first names that the row may not have, shortened.
    """

    values: dict[str, Any] = msgspec.field(default_factory=dict)
    bad: list[tuple[str, Any, BadValue]] = msgspec.field(default_factory=list)
    unknown: list[str] = msgspec.field(default_factory=list)

    def errors(self, place: Place) -> list[FieldError]:
        """Return one sentence for each refused value."""
        return [
            FieldError(
                pointer=f"{place.pointer}/{pointer_step(name)}{bad.path}",
                code=bad.code,
                detail=f"{place} has {name} {shown(value)}; {bad.advice}.",
                index=place.index,
                id=place.id,
            )
            for name, value, bad in self.bad
        ]


def read_members(row: Mapping[str, Any], readers: Mapping[str, Reader]) -> Reading:
    """Read each member of a row with the reader of its name."""
    reading = Reading()
    values = reading.values
    for name, value in row.items():
        reader = readers.get(name)
        if reader is None:
            if len(reading.unknown) < MAX_UNKNOWN_NAMED:
                reading.unknown.append(name[:_NAME_CHARACTERS])
        elif value is None:
            values[name] = None
        else:
            try:
                values[name] = reader(value)
            except BadValue as bad:
                reading.bad.append((name, value, bad))
    return reading


def nearest(name: str, known: Mapping[str, Any]) -> str:
    """Return a hint at the known name that was probably meant, or nothing.

    >>> nearest("titel", {"title": 1, "price": 2})
    " (did you mean 'title'?)"
    """
    matches = get_close_matches(name, known, n=1)
    return f" (did you mean '{matches[0]}'?)" if matches else ""
