"""How far one environment's catalogue, objections and links have been read, and what they say."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import gt

from api.inference import metrics
from api.inference.catalogue import Catalogue
from api.inference.catalogue_reader import PAGE_ROWS, CatalogueReader, Clock, Position, ShopperRow
from api.inference.identities import Identities
from api.inference.snapshot import Environment
from saas.lib.erasures import Erasure
from saas.lib.recent_events import anonymous_key, user_key

# One large catalogue must not keep the others from their changes.
_PAGES_PER_TURN = 4


@dataclass(slots=True)
class Followed:
    """One environment as read from PostgreSQL so far.

    Attributes
    ----------
    objections
        By shopper key, the catalogue clock's value of the objection.
    clock
        What the clocks said when everything had been read.
    """

    catalogue: Catalogue = field(default_factory=Catalogue)
    objections: dict[str, int] = field(default_factory=dict)
    identities: Identities = field(default_factory=Identities)
    clock: Clock | None = None
    is_complete: bool = False
    is_unreadable: bool = False
    _touched: list[int] = field(default_factory=list)
    _items_until: Position = field(default_factory=Position)
    _shoppers_until: Position = field(default_factory=Position)
    _links_until: int = 0
    _erasures_until: int = 0
    _shown: int | None = None
    # None: what answers show of the items is what they are to show.
    _shown_until: int | None = None

    def catch_up(self, reader: CatalogueReader, environment: Environment, *, clock: Clock) -> None:
        """Read what changed, a few pages at most."""
        if self.is_complete and self.clock == clock:
            return
        if self._shown != clock.shown:
            self.catalogue.columns.unfilterable = reader.unfilterable(environment)
            self._shown_until = None if self._shown is None else 0
            self._shown = clock.shown
        for _ in range(_PAGES_PER_TURN):
            n_items = self._read_items(reader, environment)
            n_erasures = self._read_erasures(reader, environment)
            n_shoppers = self._read_shoppers(reader, environment)
            n_links = self._read_links(reader, environment)
            n_shown = self._show_anew(reader, environment)
            if max(n_shown, n_items, n_erasures, n_shoppers, n_links) < PAGE_ROWS:
                self.clock, self.is_complete = clock, True
                return
        self.is_complete = False

    def is_ahead_of(self, clock: Clock) -> bool:
        """Say whether more was read than the clocks have ever counted."""
        return self.clock is not None and any(map(gt, self.clock, clock))

    def take_touched(self) -> list[int]:
        """Return the catalogue rows that changed since last asked, a failed reading's included."""
        touched, self._touched = self._touched, []
        return touched

    def _read_items(self, reader: CatalogueReader, environment: Environment) -> int:
        page = reader.items(environment, self._items_until)
        if page:
            metrics.CATALOGUE_ROWS.inc(len(page))
            self._touched += self.catalogue.apply(page, now=time.time())
            self._items_until = Position(page[-1].change_seq, page[-1].id)
        return len(page)

    def _show_anew(self, reader: CatalogueReader, environment: Environment) -> int:
        if self._shown_until is None:
            return 0
        page = reader.shown(environment, self._shown_until)
        self.catalogue.show(page)
        self._shown_until = page[-1].id if len(page) == PAGE_ROWS else None
        return len(page)

    def erase(self, erasures: Iterable[Erasure], environment: Environment) -> None:
        """Stop serving what was erased; who comes back has not objected to anything."""
        own = self.identities.erasures
        own.apply(erasures, schema_name=environment.schema_name)
        # An objection of the same commit or a later one is the new customer's.
        for key, change_seq in list(self.objections.items()):
            if change_seq < own.erased_seq(key):
                del self.objections[key]

    def _read_erasures(self, reader: CatalogueReader, environment: Environment) -> int:
        page = reader.erasures(environment, self._erasures_until)
        if page:
            self.erase((row.erasure for row in page), environment)
            self._erasures_until = page[-1].id
        return len(page)

    def _read_shoppers(self, reader: CatalogueReader, environment: Environment) -> int:
        page = reader.shoppers(environment, self._shoppers_until)
        for row in page:
            key = _shopper_key(row)
            self.identities.erasures.delete(key, at_ms=row.deleted_at_ms)
            if row.has_objected:
                self.objections[key] = row.change_seq
            else:
                self.objections.pop(key, None)
        if page:
            self._shoppers_until = Position(page[-1].change_seq, page[-1].id)
        return len(page)

    def _read_links(self, reader: CatalogueReader, environment: Environment) -> int:
        page = reader.links(environment, self._links_until)
        if page:
            self.identities.apply(page)
            self._links_until = page[-1].id
        return len(page)


def _shopper_key(row: ShopperRow) -> str:
    make = user_key if row.kind == "user" else anonymous_key
    return make(row.external_id)
