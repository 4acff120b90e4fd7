"""Fills a demo store: through the same batch services as the API, a thousand rows at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from engine.services.ingest_events import ingest_events
from engine.services.write_items import write_items
from saas.demo.steps import Step
from saas.demo.stores import Source
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment

BATCH_ROWS = 1000
# Active enough to have a taste, not the one outlier at the very top.
_SAMPLE_USER_RANK = 20


class Filling:
    """One environment and the rows that go into it."""

    def __init__(self, *, environment_id: int, source: Source) -> None:
        with on_platform():
            self._environment = Environment.objects.select_related("tenant").get(pk=environment_id)
        self._source = source
        self._events_by_user: Counter[str] = Counter()

    def fill_catalogue(self, step: Step) -> None:
        """Write the items, showing rows and their rate."""
        batches = _batches(self._source.items(), total=self._source.item_count, step=step)
        for rows, show in batches:
            with in_environment(self._environment):
                write_items(environment=self._environment, rows=rows)
            show("items")

    def fill_events(self, step: Step) -> None:
        """Write the events, showing rows and their rate."""
        batches = _batches(self._source.events(), total=self._source.event_count, step=step)
        for rows, show in batches:
            with in_environment(self._environment):
                ingest_events(
                    environment=self._environment,
                    rows=rows,
                    received_at=datetime.now(tz=UTC),
                    source="import",
                )
            self._events_by_user.update(row["user_id"] for row in rows if "user_id" in row)
            show("events")

    def sample_user_id(self) -> str:
        """Return a user with a history, whom the demo asks about."""
        return self._events_by_user.most_common(_SAMPLE_USER_RANK)[-1][0]


def _batches(
    rows: Iterable[Mapping[str, Any]], *, total: int, step: Step
) -> Iterator[tuple[Sequence[Mapping[str, Any]], Callable[[str], None]]]:
    started, done, remaining = time.monotonic(), 0, iter(rows)
    while batch := list(islice(remaining, BATCH_ROWS)):
        done += len(batch)

        def show(what: str, done: int = done) -> None:
            rate = done / max(time.monotonic() - started, 1e-3)
            step.advance(done=done, total=total, detail=f"{done:,} {what}, {rate:,.0f} rows/s")

        yield batch, show
