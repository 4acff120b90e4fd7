"""What may be in an answer at all: the rules that hold for every type, as masks over item rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from api.inference.catalogue import NO_GROUP, Catalogue
from api.inference.shelf import Shelf
from engine.core.ranking import Reason, Scored, top_rows

Mask = NDArray[np.bool_]

# How many more rows are looked at than are asked for, since a group gives one of its items.
_POOL_FACTOR = 4


@dataclass(frozen=True, slots=True)
class Picked:
    """A chosen item by the model's row."""

    row: int
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
    scored: Scored, shelf: Shelf, *, allowed: Mask, limit: int, collapse: str
) -> list[Picked]:
    """Pick the best items, one of each group, from a pool that grows until the list is full."""
    if scored.candidates is not None:
        allowed = allowed & scored.candidates
    pool = limit * _POOL_FACTOR
    while True:
        rows = top_rows(scored.values, allowed=allowed, limit=pool)
        chosen = list(islice(_one_per_group(rows, shelf.groups, collapse=collapse), limit))
        if len(chosen) == limit or len(rows) < pool:
            break
        pool *= _POOL_FACTOR
    ranked = scored.explained(np.array(chosen, dtype=np.int32))
    return [
        Picked(row=row, score=score, source=source, reason=reason)
        for row, score, source, reason in zip(
            chosen, ranked.scores.tolist(), ranked.sources, ranked.reasons, strict=True
        )
    ]


def newest_rows(
    catalogue: Catalogue,
    *,
    hidden: Iterable[int],
    category: str | None,
    limit: int,
    collapse: str,
    among: Iterable[int] | None = None,
) -> list[int]:
    """Return the catalogue rows of the newest items on sale: what a store without a model shows."""
    size = catalogue.size
    allowed: Mask = catalogue.available[:size].copy()
    rows = [row for row in hidden if row < size]
    allowed[rows] = False
    groups = catalogue.groups[:size]
    allowed = _without_groups(allowed, groups=groups, of_rows=rows, catalogue=catalogue)
    if among is not None:
        is_given = np.zeros(size, dtype=np.bool_)
        is_given[[row for row in among if row < size]] = True
        allowed &= is_given
    if category is not None:
        is_inside = np.zeros(size, dtype=np.bool_)
        inside = catalogue.in_category(category)
        is_inside[inside[inside < size]] = True
        allowed &= is_inside
    candidates = np.flatnonzero(allowed)
    newest_first = candidates[np.argsort(-catalogue.ages[candidates], kind="stable")]
    return list(islice(_one_per_group(newest_first, groups, collapse=collapse), limit))


def _one_per_group(
    rows: NDArray[np.integer], groups: NDArray[np.int32], *, collapse: str
) -> Iterator[int]:
    """Yield the rows in their order, of each group only the first."""
    taken: set[int] = set()
    for row in rows.tolist():
        group = int(groups[row]) if collapse == "group" else NO_GROUP
        if group in taken:
            continue
        if group != NO_GROUP:
            taken.add(group)
        yield row


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
