"""What a call asks of its list beyond the score: filter, boosts, diversity, groups and caps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence, Set
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from api.inference.catalogue import NO_GROUP, Catalogue
from api.inference.columns import Columns, Mask
from api.inference.filters import Filter, read_filter
from api.inference.requests import Request
from api.inference.shelf import NO_ROW


class Rules(NamedTuple):
    """The rules of one call.

    Attributes
    ----------
    boosts
        Filters and the factors of what meets them.
    """

    filter: Filter | None
    boosts: tuple[tuple[Filter, float], ...]
    diversity: float
    is_one_per_group: bool
    max_per_brand: int | None
    max_per_category: int | None

    @classmethod
    def of(cls, request: Request, *, unfilterable: Set[str] = frozenset()) -> Rules:
        """Read the rules of a request; no filter may name the unfilterable attributes.

        Raises
        ------
        InvalidFilter
            A filter is none; the error points at the place.
        """
        read = partial(read_filter, unfilterable=unfilterable)
        return cls(
            filter=None if request.filter is None else read(request.filter, pointer="/filter"),
            boosts=tuple(
                (read(boost.filter, pointer=f"/boost/{index}/filter"), boost.factor)
                for index, boost in enumerate(request.boost)
            ),
            diversity=request.diversity,
            is_one_per_group=request.collapse == "group",
            max_per_brand=request.max_per_brand,
            max_per_category=request.max_per_category,
        )

    def may_pass_over(self, catalogue: Catalogue) -> bool:
        """Say whether an item may have to give way to one that scores lower."""
        return (
            self.diversity > 0
            or (self.is_one_per_group and catalogue.n_groups > 0)
            or self.max_per_brand is not None
            or self.max_per_category is not None
        )

    def factors(self, columns: Columns, size: int) -> NDArray[np.float32] | None:
        """Return float32[size], the product of an item's boosts; None where nothing is boosted."""
        if not self.boosts:
            return None
        factors = np.ones(size, dtype=np.float32)
        for condition, factor in self.boosts:
            factors[condition.mask(columns, size)] *= np.float32(factor)
        return factors


def boosted(
    values: NDArray[np.float32], factors: NDArray[np.float32], *, candidates: Mask
) -> NDArray[np.float32]:
    """Return the scores times the factors, counted from below the lowest candidate.

    Scores have any sign, and a factor above 1 must promote even what scores lowest.

    Examples
    --------
    >>> values, factors = np.array([2, -2, 0.0]), np.array([1, 2, 1.0])
    >>> boosted(values, factors, candidates=values < 9).round(2).tolist()
    [2.0, -0.37, 0.0]
    """
    if not candidates.any():
        return values
    among = values[candidates]
    floor = among.min() - (among.std() or np.float32(1))
    return np.asarray(floor + (values - floor) * factors)


# A kind of limit, and which group, brand or category it is about.
Limited = tuple[str, int | str]


class Picker:
    """Takes items in turn, as long as their group, brand and categories have room."""

    def __init__(self, rules: Rules, catalogue: Catalogue) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._brands = catalogue.columns.field("brand")
        self._taken: Counter[Limited] = Counter()

    def takes(self, row: int) -> bool:
        """Say whether a catalogue row comes into the list, and count it if so."""
        if row == NO_ROW:
            return True
        limits = self._limits(row)
        for what, limit in limits:
            if self._taken[what] >= limit:
                return False
        for what, _ in limits:
            self._taken[what] += 1
        return True

    def full(self, row: int) -> list[Limited]:
        """Return what has no room left for a catalogue row."""
        if row == NO_ROW:
            return []
        return [what for what, limit in self._limits(row) if self._taken[what] >= limit]

    def _limits(self, row: int) -> Sequence[tuple[Limited, int]]:
        rules = self._rules
        limits: list[tuple[Limited, int]] = []
        if rules.is_one_per_group and (group := int(self._catalogue.groups[row])) != NO_GROUP:
            limits.append((("group", group), 1))
        if rules.max_per_brand is not None and (brand := self._brands.code(row)) is not None:
            limits.append((("brand", brand), rules.max_per_brand))
        if rules.max_per_category is not None:
            limits += [
                (("category", path), rules.max_per_category)
                for path in self._catalogue.columns.paths(row)
            ]
        return limits


def kinship(columns: Columns, rows: Sequence[int]) -> NDArray[np.float32]:
    """Return float32[len(rows), k]: unit vectors, the more alike the more brand and categories.

    What has neither is zeros.
    """
    places: dict[Hashable, int] = {}
    entries = [
        (place, places.setdefault(word, len(places)))
        for place, row in enumerate(rows)
        for word in columns.words(row)
    ]
    vectors = np.zeros((len(rows), len(places)), dtype=np.float32)
    for place, word_place in entries:
        vectors[place, word_place] = 1
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1))
