"""The filter language of recommendation calls: JSON in, a mask over catalogue rows out.

`{"and": [{"in": ["categories", "Home"]}, {"<": ["price", 50]}]}`: a field that an item lacks makes
every test but `not` false.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from api.inference.columns import ATTRIBUTE_PREFIX, Columns, Mask, Scalar
from api.inference.postings import Rows
from saas.lib.errors import InvalidFilter, pointer_step

# Enough for any rule a shop writes, and evaluated well within a millisecond.
MAX_NODES = 100
MAX_VALUES = 1_000

CATEGORIES = "categories"
_AMOUNTS = ("price", "list_price")
_WORDS = ("brand", "currency", "group_id", "id")
FIELDS = (CATEGORIES, *_AMOUNTS, *_WORDS)
_ORDERS = ("<", "<=", ">", ">=")
OPERATORS = ("==", "!=", *_ORDERS, "in", "and", "or", "not", "exists")
_SHOWN_CHARACTERS = 60


class Filter(ABC):
    """A condition on an item."""

    @abstractmethod
    def meet(self, columns: Columns, rows: Rows) -> Mask:
        """Return which of the catalogue rows meet it."""

    def rows(self, columns: Columns) -> NDArray[np.int32] | None:
        """Return all rows that meet it, in no order, where lists say so; None where none do."""
        del columns
        return None

    def mask(self, columns: Columns, size: int) -> Mask:
        """Return bool[size]: which catalogue rows meet it."""
        return self.meet(columns, slice(0, size))


@dataclass(frozen=True)
class OneOf(Filter):
    """The field has one of the values, alone or in its list."""

    field: str
    values: tuple[Scalar, ...]

    @override
    def meet(self, columns: Columns, rows: Rows) -> Mask:
        """Return which rows do; a category matches with all that lies below it."""
        if self.field == CATEGORIES:
            return columns.categories.carry(map(str, self.values), rows)
        column = columns.field(self.field)
        return reduce(np.logical_or, (column.equal(value, rows) for value in self.values))

    @override
    def rows(self, columns: Columns) -> NDArray[np.int32] | None:
        """Return the rows of categories."""
        if self.field != CATEGORIES:
            return None
        return columns.categories.union(map(str, self.values))


@dataclass(frozen=True)
class Compared(Filter):
    """The field has a number that compares so with another."""

    field: str
    sign: str
    number: float

    @override
    def meet(self, columns: Columns, rows: Rows) -> Mask:
        """Return which rows do."""
        return columns.field(self.field).compared(self.sign, self.number, rows)


@dataclass(frozen=True)
class Exists(Filter):
    """The field has a value."""

    field: str

    @override
    def meet(self, columns: Columns, rows: Rows) -> Mask:
        """Return which rows do."""
        if self.field == CATEGORIES:
            return columns.categories.filled(rows)
        return columns.field(self.field).filled(rows)


@dataclass(frozen=True)
class Every(Filter):
    """All conditions hold."""

    filters: tuple[Filter, ...]

    @override
    def meet(self, columns: Columns, rows: Rows) -> Mask:
        """Return which rows do."""
        return reduce(np.logical_and, (each.meet(columns, rows) for each in self.filters))

    @override
    def rows(self, columns: Columns) -> NDArray[np.int32] | None:
        """Return what the shortest list leaves when the other conditions are asked of it."""
        listed = [(each, rows) for each in self.filters if (rows := each.rows(columns)) is not None]
        if not listed:
            return None
        shortest, rows = min(listed, key=lambda each: len(each[1]))
        for each in self.filters:
            if each is not shortest:
                rows = rows[each.meet(columns, rows)]
        return rows


@dataclass(frozen=True)
class Some(Filter):
    """At least one condition holds."""

    filters: tuple[Filter, ...]

    @override
    def meet(self, columns: Columns, rows: Rows) -> Mask:
        """Return which rows do."""
        return reduce(np.logical_or, (each.meet(columns, rows) for each in self.filters))

    @override
    def rows(self, columns: Columns) -> NDArray[np.int32] | None:
        """Return the lists of all together, None where one has none."""
        listed = [each.rows(columns) for each in self.filters]
        some = [rows for rows in listed if rows is not None]
        return np.unique(np.concatenate(some)) if len(some) == len(listed) else None


@dataclass(frozen=True)
class Not(Filter):
    """The condition does not hold."""

    filter: Filter

    @override
    def meet(self, columns: Columns, rows: Rows) -> Mask:
        """Return which rows do."""
        return ~self.filter.meet(columns, rows)


def read_filter(expression: Any, *, pointer: str, unfilterable: Set[str] = frozenset()) -> Filter:
    """Return the filter that a JSON expression writes.

    Parameters
    ----------
    expression
        Any JSON value; a filter is an object with one operator.
    pointer
        Where it stands in the request, as a JSON pointer.
    unfilterable
        Attributes that the store keeps from filters.

    Raises
    ------
    InvalidFilter
        It is none; the error points at the place and says what to write there.
    """
    return _Reader(unfilterable).read(expression, pointer)


class _Reader:
    def __init__(self, unfilterable: Set[str]) -> None:
        self._unfilterable = unfilterable
        self._nodes = 0

    def read(self, expression: Any, pointer: str) -> Filter:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise InvalidFilter(
                f"The filter has over {MAX_NODES} conditions; write fewer, with 'in' for lists.",
                pointer=pointer,
            )
        if not isinstance(expression, Mapping) or len(expression) != 1:
            raise InvalidFilter(
                f"A filter is an object with one operator, not {_shown(expression)}; write one "
                'such as {"in": ["categories", "Home"]}.',
                pointer=pointer,
            )
        ((name, operand),) = expression.items()
        pointer = f"{pointer}/{pointer_step(name)}"
        if name in ("and", "or"):
            return self._all(name, operand, pointer)
        if name == "not":
            return Not(self.read(operand, pointer))
        if name == "exists":
            field = operand[0] if isinstance(operand, list) and len(operand) == 1 else operand
            return Exists(self._field(field, pointer))
        if name in OPERATORS:
            return self._comparison(name, operand, pointer)
        raise InvalidFilter(
            f"'{_cut(name)}' is no operator{_nearest(name, OPERATORS)}; "
            f"known are {', '.join(OPERATORS)}.",
            pointer=pointer,
        )

    def _all(self, name: str, operand: Any, pointer: str) -> Filter:
        if not isinstance(operand, list) or not operand:
            raise InvalidFilter(
                f"'{name}' takes a list of filters, not {_shown(operand)}.", pointer=pointer
            )
        filters = tuple(self.read(each, f"{pointer}/{index}") for index, each in enumerate(operand))
        return Every(filters) if name == "and" else Some(filters)

    def _comparison(self, name: str, operand: Any, pointer: str) -> Filter:
        if not isinstance(operand, list) or len(operand) != 2:
            raise InvalidFilter(
                f"'{name}' takes a list of a field and a value, not {_shown(operand)}; "
                f'write one such as {{"{name}": ["price", 50]}}.',
                pointer=pointer,
            )
        field = self._field(operand[0], f"{pointer}/0")
        given = operand[1]
        if name in _ORDERS:
            return Compared(field, name, _number(field, given, f"{pointer}/1"))
        if name == "in":
            return OneOf(field, _values(field, given, f"{pointer}/1"))
        same = OneOf(field, (_value(field, given, f"{pointer}/1"),))
        return same if name == "==" else Every((Exists(field), Not(same)))

    def _field(self, name: Any, pointer: str) -> str:
        if isinstance(name, str):
            _check_text(name, pointer)
            if name not in FIELDS and name.removeprefix(ATTRIBUTE_PREFIX) in self._unfilterable:
                raise InvalidFilter(
                    f"'{_cut(name)}' is declared not filterable; declare it anew with "
                    "PUT /v1/attributes, or leave it out.",
                    pointer=pointer,
                )
            if name in FIELDS or (name.startswith(ATTRIBUTE_PREFIX) and name != ATTRIBUTE_PREFIX):
                return name
            near = _nearest(name, FIELDS)
        else:
            near = ""
        raise InvalidFilter(
            f"{_shown(name)} is no field{near}; known are {', '.join(FIELDS)} and "
            "attributes.<name>. What is sold out or not recommendable never appears and needs "
            "no filter.",
            pointer=pointer,
        )


def _values(field: str, given: Any, pointer: str) -> tuple[Scalar, ...]:
    values = given if isinstance(given, list) else [given]
    if not values or len(values) > MAX_VALUES:
        raise InvalidFilter(
            f"'in' has {len(values)} values; send 1 to {MAX_VALUES:,}.", pointer=pointer
        )
    if not isinstance(given, list):
        return (_value(field, given, pointer),)
    return tuple(_value(field, each, f"{pointer}/{index}") for index, each in enumerate(values))


def _check_text(text: str, pointer: str) -> None:
    if "\0" in text:
        raise InvalidFilter(
            f"'{_cut(text)}' carries a NUL character; send text without it.", pointer=pointer
        )


def _value(field: str, given: Any, pointer: str) -> Scalar:
    if isinstance(given, str):
        _check_text(given, pointer)
    if field in _AMOUNTS:
        return _number(field, given, pointer)
    if field.startswith(ATTRIBUTE_PREFIX):
        if isinstance(given, str | bool):
            return given
        if isinstance(given, int | float):
            return _number(field, given, pointer)
        wanted = "a string, a number, true or false"
    elif isinstance(given, str):
        return given
    else:
        wanted = "a string"
    raise InvalidFilter(
        f"'{_cut(field)}' is compared with {_shown(given)}; send {wanted}.", pointer=pointer
    )


def _number(field: str, given: Any, pointer: str) -> float:
    is_amount = field in _AMOUNTS and isinstance(given, str)
    if is_amount or (isinstance(given, int | float) and not isinstance(given, bool)):
        with suppress(ValueError, OverflowError):
            number = float(given)
            if math.isfinite(number):
                return number
    example = "50 or '12.90'" if field in _AMOUNTS else "50"
    raise InvalidFilter(
        f"'{_cut(field)}' is compared with {_shown(given)}; send a number such as {example}.",
        pointer=pointer,
    )


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name[:_SHOWN_CHARACTERS], known, n=1)
    return f", did you mean '{near[0]}'?" if near else ""


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


_KINDS: Mapping[type, Callable[[Any], str]] = {
    dict: lambda given: f"an object of {len(given)} members",
    list: lambda given: f"a list of {len(given)} entries",
    str: lambda given: f"'{_cut(given)}'",
    type(None): lambda _: "null",
    bool: lambda given: str(given).lower(),
}


def _shown(given: Any) -> str:
    return _KINDS.get(type(given), str)(given)
