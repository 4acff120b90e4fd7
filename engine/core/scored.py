"""A catalogue scored for one call: what is best, and what spoke for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.parts import HistoryBatch, Listener, Part
from engine.core.scan import Said, Scan, loudest
from engine.core.top_rows import top_rows

# The part that contributed most, in the words of the contract.
SOURCES = {
    "popular": "popular",
    "item_knn": "item_item",
    "rp3": "item_item",
    "ease": "item_item",
    "gfcf": "item_item",
    "co_visits": "item_item",
    "content": "content",
    "taste": "taste",
    "factors": "taste",
    "category_popular": "content",
    "own": "history",
    "bought_together": "bought_together",
    "trending": "trending",
}
_CODES = {
    "popular": "popular_now",
    "item_knn": "because_you_interacted",
    "rp3": "because_you_interacted",
    "ease": "because_you_interacted",
    "gfcf": "because_you_interacted",
    "co_visits": "because_you_interacted",
    "content": "shares_features",
    "taste": "taste_match",
    "factors": "taste_match",
    "category_popular": "popular_in_category",
    "own": "chosen_before",
    "bought_together": "bought_together",
    "trending": "trending",
}
# What was chosen before needs no item that speaks for it.
_SPEAKING_FOR_ITSELF = frozenset({"own"})


class Reason(NamedTuple):
    """Why an item was chosen.

    ``code`` is one of ``because_you_interacted``, ``shares_features``, ``taste_match``,
    ``popular_in_category``, ``bought_together`` (all with the item that spoke most for it),
    ``similar_item`` (with the given one), ``popular_now``, ``trending``, ``chosen_before``.
    """

    code: str
    seed_row: int | None


class Ranked(NamedTuple):
    """Items as they came: parallel rows int32[k], scores float32[k], sources and reasons.

    ``sources``: the part that contributed most, one of the values of `SOURCES`.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    sources: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class PartScore:
    """What one part of the score says for one item.

    Attributes
    ----------
    name : str
        One of `engine.core.recipe.PARTS`.
    score : float
        Of any sign; an item's parts add up to its score.
    seeds : tuple of (item row, share)
        The history's items that spoke for the item, strongest first; the shares of all that did
        add up to 1. Empty where the part looks at no history.
    """

    name: str
    score: float
    seeds: tuple[tuple[int, float], ...] = ()


class Heard(NamedTuple):
    """The history that was scored: item rows int32[h], positive weights float32[h]."""

    rows: NDArray[np.int32]
    weights: NDArray[np.float32]

    def as_batch(self) -> HistoryBatch:
        """Return it as a batch of one."""
        return HistoryBatch(np.array([0, len(self.rows)]), self.rows, self.weights)


class Scored(Protocol):
    """The whole catalogue scored for one call, and what spoke for each item."""

    @property
    def heard(self) -> Heard:
        """The history that was scored."""

    @property
    def values(self) -> NDArray[np.float32]:
        """float32[n_items]: the sum of what the parts contribute."""

    @property
    def candidates(self) -> NDArray[np.bool_] | None:
        """bool[n_items]: what may be answered at all; None for everything."""

    def best(self, *, allowed: NDArray[np.bool_], limit: int) -> NDArray[np.int32]:
        """Return the ``limit`` highest allowed candidates, ties by row; fewer when fewer are."""

    def explained(self, rows: NDArray[np.int32]) -> Ranked:
        """Return the rows as they come, each with its score and why."""

    def parts_of(self, row: int) -> tuple[PartScore, ...]:
        """Return what each part adds to an item's score, the most first."""


@dataclass(frozen=True, slots=True)
class ScoredByArrays:
    """Scores that lie ready for every item.

    Attributes
    ----------
    parts : tuple of Listener
    contributions : tuple of float32[n_items]
        By part.
    given_row : int or None
        The item that everything is similar to; None where reasons follow from the leading part.
    """

    values: NDArray[np.float32]
    candidates: NDArray[np.bool_] | None
    heard: Heard
    parts: tuple[Listener, ...]
    contributions: tuple[NDArray[np.float32], ...]
    given_row: int | None = None

    def best(self, *, allowed: NDArray[np.bool_], limit: int) -> NDArray[np.int32]:
        """Return the ``limit`` highest allowed candidates, ties by row; fewer when fewer are."""
        if self.candidates is not None:
            allowed = allowed & self.candidates
        return top_rows(self.values, allowed=allowed, limit=limit)

    def explained(self, rows: NDArray[np.int32]) -> Ranked:
        """Return the rows as they come, each with its score and why."""
        if not len(rows):
            return Ranked(rows, self.values[rows], (), ())
        stacked = np.stack([of_part[rows] for of_part in self.contributions])
        leading, seeds = loudest(
            self.parts, stacked, self.heard.rows, self.heard.weights, item_rows=rows
        )
        said = Said(self.values[rows], stacked, leading, seeds)
        ranked = _ranked(self.parts, said, self.heard, rows=rows)
        if self.given_row is None:
            return ranked
        return ranked._replace(reasons=(Reason("similar_item", self.given_row),) * len(rows))

    def parts_of(self, row: int) -> tuple[PartScore, ...]:
        """Return what each part adds to an item's score, the most first."""
        scores = [float(of_part[row]) for of_part in self.contributions]
        return _part_scores(self.parts, scores, self.heard, row=row)


class ScoredByScan(NamedTuple):
    """Scores that a scan works out when they are asked for."""

    scan: Scan
    heard: Heard
    parts: tuple[Part, ...]
    candidates: None = None

    @property
    def values(self) -> NDArray[np.float32]:
        """float32[n_items]: the sum of what the parts contribute."""
        return self.scan.values

    def best(self, *, allowed: NDArray[np.bool_], limit: int) -> NDArray[np.int32]:
        """Return the ``limit`` highest allowed candidates, ties by row; fewer when fewer are."""
        return self.scan.best(allowed=allowed, limit=limit)[0]

    def explained(self, rows: NDArray[np.int32]) -> Ranked:
        """Return the rows as they come, each with its score and why."""
        heard = self.scan.said(rows)
        return _ranked(self.parts, heard, self.heard, rows=rows)

    def parts_of(self, row: int) -> tuple[PartScore, ...]:
        """Return what each part adds to an item's score, the most first."""
        heard = self.scan.said(np.array([row], dtype=np.int32))
        return _part_scores(self.parts, heard.contributions[:, 0].tolist(), self.heard, row=row)


def _ranked(
    parts: Sequence[Listener], said: Said, heard: Heard, *, rows: NDArray[np.int32]
) -> Ranked:
    # The last entry answers for NO_SEED, which is -1.
    seed_rows: list[int | None] = [*heard.rows.tolist(), None]
    spoken = list(zip(said.leading.tolist(), said.seeds.tolist(), strict=True))
    # Many items of a list have the same.
    made = {
        (place, seed): _source_and_reason(parts[place].name, seed_rows[seed])
        for place, seed in set(spoken)
    }
    told = [made[each] for each in spoken]
    return Ranked(
        rows, said.scores, tuple(source for source, _ in told), tuple(reason for _, reason in told)
    )


def _source_and_reason(name: str, seed_row: int | None) -> tuple[str, Reason]:
    return SOURCES[name], Reason(_CODES[name], None if name in _SPEAKING_FOR_ITSELF else seed_row)


def _part_scores(
    parts: Sequence[Listener], scores: Sequence[float], heard: Heard, *, row: int
) -> tuple[PartScore, ...]:
    each = [
        PartScore(part.name, score, _shares(part, heard, row))
        for part, score in zip(parts, scores, strict=True)
    ]
    return tuple(sorted(each, key=lambda part: -part.score))


def _shares(part: Listener, heard: Heard, row: int) -> tuple[tuple[int, float], ...]:
    by_item = part.seed_contributions(heard.rows, heard.weights, np.array([row], dtype=np.int32))
    if by_item is None:
        return ()
    speaking = np.maximum(by_item[:, 0], 0)
    total = float(speaking.sum())
    order = np.argsort(-speaking, kind="stable")
    return tuple(
        (int(heard.rows[place]), float(speaking[place]) / total)
        for place in order.tolist()
        if speaking[place] > 0
    )
