"""What may be in an answer at all: the rules that hold for every type, as masks over item rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from api.inference.catalogue import NO_GROUP, Catalogue
from api.inference.filters import Filter
from api.inference.rules import Picker, Rules, boosted, kinship
from api.inference.shelf import NO_ROW, Shelf
from api.inference.variants import Seen, Variants
from engine.core.diversity import diversified
from engine.core.scored import Reason, Scored
from engine.core.top_rows import top_rows

Mask = NDArray[np.bool_]
# Items by the model's row and the catalogue's, in the order in which they are asked; int64[n, 2]
# where there may be many.
Line = Sequence[tuple[int, int]] | NDArray[np.int64]
# A chosen item: the model's row and the catalogue's, `NO_ROW` for none; score, source and reason.
Picked = tuple[int, int, float, str, Reason]

# How many more rows are looked at than are asked for, since a group gives one of its items.
_POOL_FACTOR = 4
# To differ, items must be chosen from more than a few.
_LEAST_POOL = 100
_NEW_ARRIVAL = Reason(code="new_arrival", seed_row=None)


class Hidden(NamedTuple):
    """Rows that a call keeps out, the model's or the catalogue's.

    What was given and what was bought stay out with all their variants.
    """

    excluded: Collection[int] = ()
    given: Collection[int] = ()
    purchased: Collection[int] = ()

    def take_from(
        self,
        allowed: Mask,
        *,
        groups: NDArray[np.int32],
        catalogue: Catalogue,
        row_of: Callable[[int], int] = int,
    ) -> None:
        """Take them out of a mask; `row_of` tells the mask's row of a catalogue's row."""
        if self.excluded:
            allowed[list(self.excluded)] = False
        with_group = [*self.given, *self.purchased]
        if not with_group:
            return
        allowed[with_group] = False
        codes = set(groups[with_group].tolist()) - {NO_GROUP}
        variants = [row_of(row) for code in codes for row in catalogue.members(code)]
        # The catalogue's thread adds rows meanwhile.
        allowed[[row for row in variants if NO_ROW < row < len(allowed)]] = False


@dataclass(slots=True)
class Selection:
    """What a list is picked from by score, and what was picked.

    Attributes
    ----------
    allowed
        By the model's rows: what the call lets in and the scoring has something to say about.
    factors, boosted
        The boosts, and the scores after them; None without any.
    pool
        Among how many of the best the rules chose.
    variants
        Which variants stand for their groups; None where each item stands for itself.
    """

    scored: Scored
    allowed: Mask
    factors: NDArray[np.float32] | None = None
    boosted: NDArray[np.float32] | None = None
    pool: int = 0
    variants: Variants | None = None
    picked: list[Picked] = field(default_factory=list)

    @property
    def values(self) -> NDArray[np.float32]:
        """Every item's score after the boosts."""
        return self.scored.values if self.boosted is None else self.boosted

    def best(self, limit: int) -> NDArray[np.int32]:
        """Return the rows of the highest scores, ties by row."""
        if self.boosted is None:
            return self.scored.best(allowed=self.allowed, limit=limit)
        return top_rows(self.boosted, allowed=self.allowed, limit=limit)

    def shown(self, row: int) -> int:
        """Return the row that is shown where a row comes to its turn."""
        return row if self.variants is None else self.variants.shown(row)


def allowed_rows(shelf: Shelf, *, hidden: Hidden, wanted: Filter | None) -> Mask:
    """Return which of the model's items may be shown: on sale, wanted and not hidden by a call."""
    allowed = shelf.available.copy()
    if wanted is not None:
        columns, size = shelf.catalogue.columns, shelf.catalogue.size
        rows = wanted.rows(columns)
        if rows is None:
            allowed &= shelf.by_item(wanted.mask(columns, size), missing=False)
        else:
            allowed &= shelf.holding(rows)
    hidden.take_from(allowed, groups=shelf.groups, catalogue=shelf.catalogue, row_of=shelf.item_row)
    return allowed


def select_best(
    scored: Scored, shelf: Shelf, *, allowed: Mask, rules: Rules, limit: int, seen: Seen
) -> Selection:
    """Pick the best of the model's items that the rules let in, until the list is full."""
    may_be_shown = allowed
    if scored.candidates is not None:
        allowed = allowed & scored.candidates
    selection = Selection(scored, allowed)
    factors = rules.factors(shelf.catalogue.columns, shelf.catalogue.size)
    if factors is not None:
        selection.factors = shelf.by_item(factors, missing=1)
        selection.boosted = boosted(scored.values, selection.factors, candidates=allowed)
    selection.pool = limit
    if rules.is_one_per_group and shelf.catalogue.n_groups:
        selection.variants = Variants(
            shelf, allowed=may_be_shown, factors=selection.factors, seen=seen
        )
    if rules.may_pass_over(shelf.catalogue):
        rows = _chosen(selection, shelf, rules=rules, limit=limit)
    else:
        rows = selection.best(limit)
    ranked = scored.explained(rows)
    scores = ranked.scores if selection.boosted is None else selection.boosted[rows]
    shown = rows
    if selection.variants is not None:
        shown = np.array([selection.shown(row) for row in rows.tolist()], dtype=np.int32)
    picked = zip(
        shown.tolist(),
        shelf.catalogue_rows[shown].tolist(),
        scores.tolist(),
        ranked.sources,
        ranked.reasons,
        strict=True,
    )
    selection.picked = list(picked)
    return selection


def _chosen(selection: Selection, shelf: Shelf, *, rules: Rules, limit: int) -> NDArray[np.int32]:
    """Return the rows that the rules let in, from a pool that grows until the list is full."""
    pool = max(limit * _POOL_FACTOR, _LEAST_POOL if rules.diversity else 0)
    while True:
        selection.pool = pool
        picker = Picker(rules, shelf.catalogue)
        best = selection.best(pool)
        turns = in_turn(best, selection, shelf, rules=rules)
        taken = (row for row, shown in turns if picker.takes(int(shelf.catalogue_rows[shown])))
        chosen = list(islice(taken, limit))
        if len(chosen) == limit or len(best) < pool:
            return np.array(chosen, dtype=np.int32)
        # The rules have left the list short.
        pool *= _POOL_FACTOR


def in_turn(
    rows: NDArray[np.int32], selection: Selection, shelf: Shelf, *, rules: Rules
) -> Iterable[tuple[int, int]]:
    """Return rows in the order in which they are asked, with those that are shown for them."""
    scored = rows.tolist()
    if rules.diversity:
        likeness = kinship(shelf.catalogue.columns, shelf.catalogue_rows[rows].tolist())
        order = diversified(selection.values[rows], likeness, diversity=rules.diversity)
        scored = [scored[place] for place in order]
    return ((row, selection.shown(row)) for row in scored)


def newest_first(catalogue: Catalogue, *, allowed: Mask) -> NDArray[np.int64]:
    """Return the allowed catalogue rows in the order of a store without a model."""
    candidates = np.flatnonzero(allowed)
    rows = candidates[np.argsort(-catalogue.ages[candidates], kind="stable")]
    return np.stack([np.full_like(rows, NO_ROW), rows], axis=1)


def steepest_first(rise: NDArray[np.float32], shelf: Shelf, *, allowed: Mask) -> NDArray[np.int64]:
    """Return the allowed and rising catalogue rows that the model lacks, the steepest first."""
    is_newer = allowed[: len(rise)]
    known = shelf.catalogue_rows
    is_newer[known[(known != NO_ROW) & (known < len(is_newer))]] = False
    rows = np.flatnonzero(is_newer & (rise > 0))
    rows = rows[np.argsort(-rise[rows], kind="stable")]
    return np.stack([np.full_like(rows, NO_ROW), rows], axis=1)


def new_arrival(catalogue_row: int) -> Picked:
    """Return an item that no model knows."""
    return NO_ROW, catalogue_row, 0.0, "newest", _NEW_ARRIVAL


def on_sale(catalogue: Catalogue, *, hidden: Hidden, rules: Rules) -> Mask:
    """Return which catalogue rows may be shown: on sale, let in by the filter, and not hidden."""
    size = catalogue.size
    allowed = catalogue.available[:size].copy()
    hidden.take_from(allowed, groups=catalogue.groups, catalogue=catalogue)
    if rules.filter is not None:
        allowed &= rules.filter.mask(catalogue.columns, size)
    return allowed


def rows_mask(rows: Sequence[int] | NDArray[np.int32], *, size: int) -> Mask:
    """Return bool[size], true for those of the rows that there were when the size was taken."""
    mask = np.zeros(size, dtype=np.bool_)
    wanted = np.asarray(rows, dtype=np.int32)
    mask[wanted[wanted < size]] = True
    return mask
