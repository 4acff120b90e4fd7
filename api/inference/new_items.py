"""A store's new items: what they look like to the model, and whose turn it is to be met.

Nothing speaks yet for an item that nobody has turned to, so a share of the places of personal
lists is kept for such items. The catalogue's thread finds them, a call reads what it has found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from api.inference.catalogue import Catalogue, ItemRow
from engine.core.artifact import Artifact
from engine.core.dataset import CatalogueItem, attribute_texts
from engine.core.parts import VectorPart
from engine.core.scored import Heard

# Of more, the newest: their vectors cost 128 KB, and those that were met make room.
MOST_ITEMS = 256
# In this share of the hours a shopper is shown the item that fits best, should it be allowed.
_TURN = 1 / 4
_DRAWS = 2**32
# Of Knuth's multiplicative hash: makes any bit of a number count for its size.
_SPREAD = np.uint32(2_654_435_761)

# Reads items by their database ids.
Describe = Callable[[Sequence[int]], Iterable[ItemRow]]


def draw_of(text: str) -> int:
    """Return a number below 2 ** 32 that is as good as drawn, and the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest())


class NewItems(NamedTuple):
    """Items that nobody has turned to yet, and the share of a personal list that is theirs.

    Attributes
    ----------
    rows, catalogue_rows : int32[n]
        The model's rows, negative for items newer than the model, and the catalogue's.
    draws : uint32[n]
        A number of each item's own.
    part : VectorPart or None
        By which they are scored; None where the model knows nothing of items' features.
    vectors : float32[n, k]
        Comparable with the part's.
    """

    share: float
    rows: NDArray[np.int32]
    catalogue_rows: NDArray[np.int32]
    draws: NDArray[np.uint32]
    part: VectorPart | None
    vectors: NDArray[np.float32]

    def places(self, limit: int, *, draw: int) -> int:
        """Return how many of a list's places are theirs: the share, on an average of draws."""
        return int(self.share * limit + draw / _DRAWS)

    def in_line(
        self, heard: Heard, *, allowed: NDArray[np.bool_], draw: int
    ) -> Iterator[tuple[int, int, float]]:
        """Yield the allowed ones as (row, catalogue row, score) in the order they are asked.

        First those whose turn it is by the draw, then the others, each time the likeliest first.
        """
        mixed = (self.draws ^ np.uint32(draw)) * _SPREAD
        if self.part is None:
            scores: NDArray[np.floating[Any]] = -mixed.astype(np.float64)
        else:
            scores = self.part.z_scores_of(self.vectors, heard.rows, heard.weights)
        has_turn = mixed < _TURN * _DRAWS
        # Few are asked: those without a turn are sorted when it comes to them.
        for group in (has_turn, ~has_turn):
            places = np.flatnonzero(group)
            for place in places[np.argsort(-scores[places], kind="stable")].tolist():
                catalogue_row = int(self.catalogue_rows[place])
                if allowed[catalogue_row]:
                    score = float(scores[place]) if self.part else 0.0
                    yield int(self.rows[place]), catalogue_row, score


class NewItemFinder:
    """Finds a shelf's new items, and remembers the vectors of those that the model lacks."""

    def __init__(self, artifact: Artifact, catalogue: Catalogue) -> None:
        self._artifact = artifact
        self._catalogue = catalogue
        self._part = artifact.new_item_part
        self._vectors: dict[int, NDArray[np.float32]] = {}

    def forget(self, catalogue_row: int) -> None:
        """Describe a row anew when it is asked for."""
        self._vectors.pop(catalogue_row, None)

    def found(
        self, item_rows: NDArray[np.int32], *, share: float, describe: Describe
    ) -> NewItems | None:
        """Return the newest items on sale without events; None where there are none.

        Parameters
        ----------
        item_rows
            By catalogue row, the model's; negative where it lacks the item.
        share, describe
            Of the store, and how to read its items.
        """
        newest = self._newest(item_rows)
        if not share or not len(newest):
            return None
        rows = item_rows[newest]
        vectors = np.zeros((len(newest), 0), dtype=np.float32)
        if self._part is not None:
            self._describe(newest[rows < 0], describe)
            vectors = np.zeros((len(newest), self._part.vectors.shape[1]), dtype=np.float32)
            vectors[rows >= 0] = self._part.vectors[rows[rows >= 0]]
            for place in np.flatnonzero(rows < 0).tolist():
                # Zeros for what was deleted meanwhile.
                vectors[place] = self._vectors.get(int(newest[place]), 0)
        names = (self._catalogue.item_ids[row] for row in newest.tolist())
        return NewItems(
            share=share,
            rows=rows,
            catalogue_rows=newest.astype(np.int32),
            draws=np.fromiter(map(draw_of, names), dtype=np.uint32, count=len(newest)),
            part=self._part,
            vectors=vectors,
        )

    def _newest(self, item_rows: NDArray[np.int32]) -> NDArray[np.int64]:
        size = min(self._catalogue.size, len(item_rows))
        rows = item_rows[:size]
        is_new = self._catalogue.available[:size].copy()
        is_known = rows >= 0
        is_new[is_known] &= self._artifact.popularity[rows[is_known]] == 0
        found = np.flatnonzero(is_new)
        return found[np.argsort(-self._catalogue.ages[found], kind="stable")[:MOST_ITEMS]]

    def _describe(self, catalogue_rows: NDArray[np.int64], describe: Describe) -> None:
        """Make the vectors that are missing, and keep none that are not needed."""
        wanted = set(catalogue_rows.tolist())
        self._vectors = {row: it for row, it in self._vectors.items() if row in wanted}
        missing = [row for row in catalogue_rows.tolist() if row not in self._vectors]
        if not missing:
            return
        described = list(describe(self._catalogue.ages[missing].tolist()))
        vectors = self._artifact.vectors_of_new_items([_learnt(item) for item in described])
        if vectors is not None:
            rows = (self._catalogue.rows[item.item_id] for item in described)
            self._vectors.update(zip(rows, vectors, strict=True))


def _learnt(item: ItemRow) -> CatalogueItem:
    """Return an item as the training would read it."""
    return CatalogueItem(
        item_id=item.item_id,
        title=item.product.title,
        categories=tuple(item.categories),
        brand=item.product.brand,
        price=None if item.product.price is None else float(item.product.price),
        attributes=attribute_texts(item.attributes),
    )
