"""A model version seen through the catalogue of now: what a call ranks, hides and describes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Set
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from api.inference.catalogue import NO_GROUP, Catalogue
from api.inference.identities import Identities
from api.inference.model_store import Model
from api.inference.new_items import Describe, NewItemFinder, NewItems
from api.inference.trend_files import NO_TRENDS
from saas.lib.trends import Trends

NO_ROW = -1
Scalar = TypeVar("Scalar", bound=np.generic)


class Shelf:
    """One environment's model and catalogue, joined by item id.

    Attributes
    ----------
    available : bool[n_items]
        By the model's item rows: may be shown now.
    groups : int32[n_items]
        By the model's item rows: the same number for variants of a product, `NO_GROUP` for none.
    catalogue_rows : int32[n_items]
        The catalogue's row of each of the model's items, `NO_ROW` where it has none.
    item_rows : int32[at least catalogue.size, but for items that came just now]
        The other way round; it is replaced when it grows.
    new_items : NewItems or None
        What nobody has turned to yet and is to be met; None where there is nothing.
    objections : set of str
        Keys of the shoppers who do not want personal answers; it changes by itself.
    identities : Identities
        Who visitors turned out to be; it changes by itself.
    """

    def __init__(
        self,
        *,
        model: Model | None,
        catalogue: Catalogue,
        objections: Set[str],
        identities: Identities,
        is_current: bool,
    ) -> None:
        self.model = model
        self.catalogue = catalogue
        self.objections = objections
        self.identities = identities
        self.is_current = is_current
        self.last_used = time.monotonic()
        n_items = model.artifact.n_items if model else 0
        # Without PostgreSQL nobody knows what is sold out; what was learned is served on.
        self.available = np.full(n_items, not is_current, dtype=np.bool_)
        self.groups = np.full(n_items, NO_GROUP, dtype=np.int32)
        self.catalogue_rows = np.full(n_items, NO_ROW, dtype=np.int32)
        self.item_rows = np.full(0, NO_ROW, dtype=np.int32)
        self.new_items: NewItems | None = None
        self._finder = NewItemFinder(model.artifact, catalogue) if model else None
        self._explored_share = 0.0
        self._has_changed = True
        self._trends = NO_TRENDS
        self._rises: dict[str, NDArray[np.float32]] = {}
        if model is not None:
            self._join(model)

    @property
    def size_bytes(self) -> int:
        """Return what keeping the shelf costs, mapped files included."""
        model_bytes = self.model.size_bytes if self.model else 0
        return self.catalogue.size_bytes + self.identities.size_bytes + model_bytes

    def _join(self, model: Model) -> None:
        """Find all items of the catalogue in the model at once: one by one would delay calls."""
        catalogue = self.catalogue
        self._make_room()
        hashes = catalogue.hashes[: catalogue.size]
        rows = model.artifact.item_ids.find_all(catalogue.item_ids, hashes)
        known = np.flatnonzero(rows != NO_ROW)
        rows = rows[known]
        self.item_rows[known], self.catalogue_rows[rows] = rows, known
        self.groups[rows] = catalogue.groups[known]
        self.available[rows] = catalogue.available[known]

    def refresh(self, catalogue_rows: Iterable[int]) -> None:
        """Take over what changed in the catalogue's rows."""
        if self.model is None:
            return
        item_row = self.model.artifact.item_row
        item_ids = self.catalogue.item_ids
        if self.catalogue.size > len(self.item_rows):
            self._make_room()
        for catalogue_row in catalogue_rows:
            self._has_changed = True
            if self._finder is not None:
                self._finder.forget(catalogue_row)
            row = item_row(item_ids[catalogue_row])
            if row is not None:
                self.catalogue_rows[row] = catalogue_row
                self.item_rows[catalogue_row] = row
                self.groups[row] = self.catalogue.groups[catalogue_row]
                self.available[row] = self.catalogue.available[catalogue_row]

    def explore(self, share: float, describe: Describe) -> None:
        """Keep a share of personal lists for the items that are new now."""
        if self._finder is None or not (self._has_changed or share != self._explored_share):
            return
        self.new_items = self._finder.found(self.item_rows, share=share, describe=describe)
        # Not before it is done: PostgreSQL may have been away.
        self._has_changed, self._explored_share = False, share

    def _make_room(self) -> None:
        # As far as the catalogue's own arrays go.
        item_rows = np.full(len(self.catalogue.available), NO_ROW, dtype=np.int32)
        item_rows[: len(self.item_rows)] = self.item_rows
        self.item_rows = item_rows

    def item_row(self, catalogue_row: int) -> int:
        """Return the model's row of a catalogue's row, `NO_ROW` where the model lacks the item."""
        rows = self.item_rows
        return int(rows[catalogue_row]) if catalogue_row < len(rows) else NO_ROW

    def show_trends(self, trends: Trends) -> None:
        """Let these items rise, and no others."""
        if trends is not self._trends:
            # In this order: what a call makes of the old trends must not outlive them.
            self._trends = trends
            self._rises = {}

    def rise(self, window: str) -> NDArray[np.float32]:
        """Return, by catalogue row, how much items rise in a window; 0 for those that do not."""
        rises = self._rises
        size = self.catalogue.size
        rise = rises.get(window)
        if rise is None or len(rise) != size:
            rise = np.zeros(size, dtype=np.float32)
            for item_id, steepness in self._trends.rising.get(window, ()):
                row = self.catalogue.rows.get(item_id, size)
                if row < size:
                    rise[row] = steepness
            rises[window] = rise
        return rise

    def find(self, reference: str) -> list[int] | None:
        """Return the model's rows that an id, alias or group id names.

        None where nobody knows the text; [] where the item is newer than the model.
        """
        catalogue_rows = self.catalogue.find(reference)
        if catalogue_rows:
            rows = map(self.item_row, catalogue_rows)
            return [row for row in rows if row != NO_ROW]
        found = None if self.model is None else self.model.artifact.item_row(reference)
        return None if found is None else [found]

    def in_category(self, path: str) -> NDArray[np.bool_]:
        """Return, by the model's item rows, which items lie under a category."""
        return self.holding(self.catalogue.columns.categories.rows(path))

    def holding(self, catalogue_rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return, by the model's item rows, which items are among some of the catalogue."""
        item_rows = self.item_rows
        rows = item_rows[catalogue_rows[catalogue_rows < len(item_rows)]]
        mask = np.zeros(len(self.available), dtype=np.bool_)
        mask[rows[rows != NO_ROW]] = True
        return mask

    def by_item(self, by_catalogue_row: NDArray[Scalar], *, missing: float) -> NDArray[Scalar]:
        """Return values of catalogue rows by the model's item rows.

        `missing` stands for items that the catalogue lacks, or got after the values were made.
        """
        # The last entry answers for rows that came later, and for NO_ROW, which is -1.
        values = np.append(by_catalogue_row, by_catalogue_row.dtype.type(missing))
        return values[np.minimum(self.catalogue_rows, len(by_catalogue_row))]
