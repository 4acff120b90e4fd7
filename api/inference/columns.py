"""What filters, boosts and caps read of the catalogue: a column for each field, by row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from api.inference.postings import Postings, Rows

Mask = NDArray[np.bool_]
Word = str | bool
Scalar = Word | float
# What an item may have in a field.
Value = Scalar | list[Scalar] | None
Number = TypeVar("Number", np.int32, np.float64)

ATTRIBUTE_PREFIX = "attributes."
CATEGORY_SEPARATOR = " > "
NO_CODE = -1

_FIRST_CAPACITY = 256
_NO_NUMBERS: NDArray[np.float64] = np.zeros(0)
_COMPARISONS: Mapping[str, Callable[[Any, float], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Column:
    """One field of the items: numbers, words and truth values side by side, and lists of them.

    A value of one kind never equals one of another, so that "1" is neither 1 nor true.
    """

    def __init__(self) -> None:
        self.codes = np.full(_FIRST_CAPACITY, NO_CODE, dtype=np.int32)
        self._code_of: dict[Hashable, int] = {}
        self._numbers: NDArray[np.float64] | None = None
        self._lists: Postings | None = None

    def put(self, row: int, value: Value) -> None:
        """Set a row's value; None for no value."""
        if row >= len(self.codes):
            if value is None:
                return
            self._grow(row)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and self._numbers is None:
            self._numbers = np.full(len(self.codes), np.nan)
        if self._numbers is not None:
            self._numbers[row] = value if is_number else np.nan
        if isinstance(value, list) and self._lists is None:
            self._lists = Postings()
        if self._lists is not None:
            self._lists.put(row, map(_key, value) if isinstance(value, list) else ())
        self.codes[row] = self._code(value) if isinstance(value, Word) else NO_CODE

    def code(self, row: int) -> int | None:
        """Return a number that stands for a row's word; None where it has none."""
        code = int(self.codes[row]) if row < len(self.codes) else NO_CODE
        return None if code == NO_CODE else code

    def flush(self) -> None:
        """Let the lists that were put be found."""
        if self._lists is not None:
            self._lists.flush()

    def equal(self, value: Scalar, rows: Rows) -> Mask:
        """Return which of the rows have the value, alone or in their list."""
        if isinstance(value, Word):
            code = self._code_of.get(_key(value), NO_CODE - 1)
            found: Mask = _at(self.codes, rows, missing=NO_CODE) == code
        else:
            found = self._numbers_at(rows) == value
        return found if self._lists is None else found | self._lists.carry([_key(value)], rows)

    def compared(self, sign: str, number: float, rows: Rows) -> Mask:
        """Return which of the rows have a number that compares so with another."""
        return np.asarray(_COMPARISONS[sign](self._numbers_at(rows), number))

    def filled(self, rows: Rows) -> Mask:
        """Return which of the rows have a value at all."""
        found: Mask = _at(self.codes, rows, missing=NO_CODE) != NO_CODE
        found |= ~np.isnan(self._numbers_at(rows))
        if self._lists is not None:
            found |= self._lists.filled(rows)
        return found

    def _numbers_at(self, rows: Rows) -> NDArray[np.float64]:
        numbers = _NO_NUMBERS if self._numbers is None else self._numbers
        return _at(numbers, rows, missing=np.nan)

    def _code(self, value: Word) -> int:
        return self._code_of.setdefault(_key(value), len(self._code_of))

    def _grow(self, row: int) -> None:
        missing = max(row + 1, 2 * len(self.codes)) - len(self.codes)
        self.codes = np.concatenate([self.codes, np.full(missing, NO_CODE, dtype=np.int32)])
        if self._numbers is not None:
            self._numbers = np.concatenate([self._numbers, np.full(missing, np.nan)])


class Columns:
    """All columns of one environment's catalogue; one thread writes, others read."""

    def __init__(self) -> None:
        self.categories = Postings()
        # Names of attributes.
        self.unfilterable: Set[str] = frozenset()
        self._leaves: dict[int, tuple[str, ...]] = {}
        self._fields: dict[str, Column] = {}

    def put(self, row: int, *, fields: Mapping[str, Value], categories: Iterable[str]) -> None:
        """Set all that filters may ask of a row; a field that is absent has no value."""
        for name in self._fields.keys() - fields.keys():
            self._fields[name].put(row, None)
        for name, value in fields.items():
            column = self._fields.get(name)
            if column is None:
                column = self._fields[name] = Column()
            column.put(row, value)
        paths = tuple(categories)
        self._leaves[row] = paths
        self.categories.put(row, (prefix for path in paths for prefix in prefixes(path)))

    def flush(self) -> None:
        """Let what was put be found."""
        self.categories.flush()
        for column in self._fields.values():
            column.flush()

    def field(self, name: str) -> Column:
        """Return a field's column, an empty one where no item has it."""
        return self._fields.get(name) or Column()

    def words(self, row: int) -> list[Hashable]:
        """Return what a row may share with others: its brand, all levels of its categories."""
        brand = self.field("brand").code(row)
        levels = [prefix for path in self.paths(row) for prefix in prefixes(path)]
        return [*dict.fromkeys(levels)] if brand is None else [brand, *dict.fromkeys(levels)]

    def paths(self, row: int) -> tuple[str, ...]:
        """Return a row's categories as the store gave them."""
        return self._leaves.get(row, ())


def prefixes(path: str) -> list[str]:
    """Return a category path and all paths above it.

    >>> prefixes("Home > Kitchen")
    ['Home', 'Home > Kitchen']
    """
    steps = path.split(CATEGORY_SEPARATOR)
    return [CATEGORY_SEPARATOR.join(steps[: depth + 1]) for depth in range(len(steps))]


def _key(value: Scalar) -> Hashable:
    """Return what tells a value from all others; to a dictionary, true and 1 are the same."""
    return (value,) if isinstance(value, bool) else value


def _at(column: NDArray[Number], rows: Rows, *, missing: float) -> NDArray[Number]:
    """Return the values of rows; a column that is short has none at its end."""
    if isinstance(rows, slice):
        found = column[rows]
        if len(found) == rows.stop:
            return found
        return np.append(found, np.full(rows.stop - len(found), missing, dtype=column.dtype))
    # The last entry answers for rows beyond the end.
    return np.append(column, column.dtype.type(missing))[np.minimum(rows, len(column))]
