"""Which stores the demo shows, and where their rows come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from saas.demo.dataset_folder import DatasetFolder
from saas.lifecycle.sample.book_store import ACORN_BOOKS
from saas.lifecycle.sample.shoe_store import BIRCH_SHOES
from saas.lifecycle.sample.spec import StoreSpec
from saas.lifecycle.sample.store import FULL, SMALL, make_sample_store

SEED = 7


class Source(Protocol):
    """Where a store's rows come from."""

    @property
    def item_count(self) -> int:
        """Return how many items it will yield."""

    @property
    def event_count(self) -> int:
        """Return how many events it will yield."""

    def items(self) -> Iterable[Mapping[str, Any]]:
        """Yield items in the contract's shape."""

    def events(self) -> Iterable[Mapping[str, Any]]:
        """Yield events in the contract's shape."""


@dataclass(frozen=True)
class DemoStore:
    """One store of the demo: its live data, and the sample that fills its test environment."""

    name: str
    spec: StoreSpec
    dataset: DatasetFolder | None = None

    @property
    def slug(self) -> str:
        """Return what hostnames and the state file call the store."""
        return self.name.lower().replace(" ", "-")

    @property
    def members(self) -> tuple[tuple[str, str], ...]:
        """Return roles and addresses of the people who may log in."""
        host = f"{self.slug}.example"
        return (("owner", f"owner@{host}"), ("analyst", f"analyst@{host}"))

    def source(self, environment: str, *, ends_at: datetime) -> Source:
        """Return the rows of the live or the test environment; a sample ends at this time."""
        if environment == "live" and self.dataset is not None:
            return self.dataset
        size = FULL if environment == "live" else SMALL
        return make_sample_store(spec=self.spec, size=size, ends_at=ends_at, seed=SEED)


def demo_stores(dataset: Path | None) -> list[DemoStore]:
    """Return the demo's two stores; a data set takes the first one's place.

    Raises
    ------
    DatasetError
        The folder cannot be read; said before anything is started.
    """
    first = DemoStore(name="Acorn Books", spec=ACORN_BOOKS)
    if dataset is not None:
        name = dataset.resolve().name.replace("_", " ").replace("-", " ").title()
        first = DemoStore(name=name, spec=ACORN_BOOKS, dataset=DatasetFolder(dataset))
    return [first, DemoStore(name="Birch Shoes", spec=BIRCH_SHOES)]
