"""What may be in an answer at all: the rules that hold for every type, as masks over item rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from api.inference.catalogue import NO_GROUP, Catalogue
from api.inference.rules import Picker, Rules, boosted, kinship
from api.inference.shelf import NO_ROW, Shelf
from engine.core.diversity import diversified
from engine.core.ranking import Reason, Scored, top_rows

Mask = NDArray[np.bool_]

# How many more rows are looked at than are asked for, since a group gives one of its items.
_POOL_FACTOR = 4
# To differ, items must be chosen from more than a few.
_LEAST_POOL = 100


@dataclass(frozen=True, slots=True)
class Picked:
    """A chosen item: the model's row, the catalogue's row, or both; `NO_ROW` for none."""

    row: int
    catalogue_row: int
    score: float
    source: str
    reason: Reason


def allowed_rows(shelf: Shelf, *, hidden: Iterable[int], hidden_with_group: Iterable[int]) -> Mask:
    """Return which of the model's items may be shown: on sale now and not hidden by the call."""
    allowed: Mask = shelf.available.copy()
    allowed[list(hidden)] = False
    with_group = list(hidden_with_group)
    allowed[with_group] = False
    return _without_groups(
        allowed, groups=shelf.groups, of_rows=with_group, catalogue=shelf.catalogue
    )


def best_rows(
    scored: Scored, shelf: Shelf, *, allowed: Mask, rules: Rules, limit: int
) -> list[Picked]:
    """Pick the best of the model's items that the rules let in, until the list is full."""
    if scored.candidates is not None:
        allowed = allowed & scored.candidates
    values = scored.values
    factors = rules.factors(shelf.catalogue.columns, shelf.catalogue.size)
    if factors is not None:
        values = boosted(values, shelf.by_item(factors, missing=1), candidates=allowed)
    chosen = _chosen(values, shelf, allowed=allowed, rules=rules, limit=limit)
    ranked = scored.explained(np.array(chosen, dtype=np.int32))
    return [
        Picked(row, int(shelf.catalogue_rows[row]), float(values[row]), source, reason)
        for row, source, reason in zip(chosen, ranked.sources, ranked.reasons, strict=True)
    ]


def _chosen(
    values: NDArray[np.float32], shelf: Shelf, *, allowed: Mask, rules: Rules, limit: int
) -> list[int]:
    """Return the model's rows from a pool that grows while the rules leave the list short."""
    pool = max(limit * _POOL_FACTOR, _LEAST_POOL if rules.diversity else 0)
    while True:
        rows = top_rows(values, allowed=allowed, limit=pool)
        catalogue_rows = shelf.catalogue_rows[rows].tolist()
        picker = Picker(rules, shelf.catalogue)
        order: Iterable[int] = range(len(rows))
        if rules.diversity:
            order = diversified(
                values[rows],
                kinship(shelf.catalogue.columns, catalogue_rows),
                diversity=rules.diversity,
            )
        taken = (place for place in order if picker.takes(catalogue_rows[place]))
        places = list(islice(taken, limit))
        if len(places) == limit or len(rows) < pool:
            return [int(rows[place]) for place in places]
        pool *= _POOL_FACTOR


def newest_rows(catalogue: Catalogue, *, allowed: Mask, rules: Rules, limit: int) -> list[Picked]:
    """Pick the newest of the allowed catalogue rows: what a store without a model shows."""
    candidates = np.flatnonzero(allowed)
    newest_first = candidates[np.argsort(-catalogue.ages[candidates], kind="stable")]
    taken = filter(Picker(rules, catalogue).takes, newest_first.tolist())
    return [new_arrival(row) for row in islice(taken, limit)]


def new_arrival(catalogue_row: int) -> Picked:
    """Return an item that no model knows."""
    return Picked(NO_ROW, catalogue_row, 0.0, "newest", Reason(code="new_arrival", seed_row=None))


def on_sale(catalogue: Catalogue, *, hidden: Iterable[int], rules: Rules) -> Mask:
    """Return which catalogue rows may be shown: on sale, let in by the filter, and not hidden.

    Hidden are all variants of what the given rows are.
    """
    size = catalogue.size
    allowed: Mask = catalogue.available[:size].copy()
    rows = [row for row in hidden if row < size]
    allowed[rows] = False
    allowed = _without_groups(
        allowed, groups=catalogue.groups[:size], of_rows=rows, catalogue=catalogue
    )
    if rules.filter is not None:
        allowed &= rules.filter.mask(catalogue.columns, size)
    return allowed


def rows_mask(rows: Iterable[int], *, size: int) -> Mask:
    """Return bool[size], true for those of the rows that there were when the size was taken."""
    mask = np.zeros(size, dtype=np.bool_)
    mask[[row for row in rows if row < size]] = True
    return mask


def _without_groups(
    allowed: Mask, *, groups: NDArray[np.int32], of_rows: list[int], catalogue: Catalogue
) -> Mask:
    if not of_rows or not catalogue.n_groups:
        return allowed
    # Copied before they are counted: the catalogue's thread adds groups meanwhile.
    groups = groups.copy()
    # The last entry answers for NO_GROUP, which is -1.
    is_hidden = np.zeros(catalogue.n_groups + 1, dtype=np.bool_)
    is_hidden[groups[of_rows]] = True
    is_hidden[NO_GROUP] = False
    result: Mask = allowed & ~is_hidden[groups]
    return result
