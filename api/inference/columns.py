"""What filters, boosts and caps read of the catalogue: a column for each field, by row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.inference.postings import Postings

Mask = NDArray[np.bool_]
Word = str | bool
Scalar = Word | float
# What an item may have in a field.
Value = Scalar | list[Scalar] | None

ATTRIBUTE_PREFIX = "attributes."
CATEGORY_SEPARATOR = " > "
NO_CODE = -1

_FIRST_CAPACITY = 256
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

    def equal(self, value: Scalar, size: int) -> Mask:
        """Return bool[size]: which rows have the value, alone or in their list."""
        if isinstance(value, Word):
            found = _padded(self.codes == self._code_of.get(_key(value), NO_CODE - 1), size)
        elif self._numbers is not None:
            found = _padded(self._numbers == value, size)
        else:
            found = _none(size)
        return found if self._lists is None else found | self._lists.mask([_key(value)], size)

    def compared(self, sign: str, number: float, size: int) -> Mask:
        """Return bool[size]: which rows have a number that compares so with another."""
        if self._numbers is None:
            return _none(size)
        return _padded(_COMPARISONS[sign](self._numbers, number), size)

    def filled(self, size: int) -> Mask:
        """Return bool[size]: which rows have a value at all."""
        found = _padded(self.codes != NO_CODE, size)
        if self._numbers is not None:
            found |= _padded(~np.isnan(self._numbers), size)
        if self._lists is not None:
            found |= self._lists.filled(size)
        return found

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


def _none(size: int) -> Mask:
    return np.zeros(size, dtype=np.bool_)


def _padded(mask: Mask, size: int) -> Mask:
    """Return the first entries; a column that is short has no values at its end."""
    if len(mask) >= size:
        return mask[:size]
    return np.concatenate([mask, _none(size - len(mask))])
