"""A store whose shoppers have tastes: each likes one of six shelves."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from engine.services.ingest_events import ingest_events
from engine.services.write_items import write_items
from tenants.context import in_environment
from tenants.models.environment import Environment

SHELVES = 6
ITEMS_PER_SHELF = 10
WEEKS = 10
FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)


def fill_store(environment: Environment, *, shoppers: int, views: int) -> None:
    """Load the catalogue and each shopper's views through the services that the API calls."""
    with in_environment(environment):
        write_items(environment=environment, rows=_items())
        for rows in _batches(shoppers=shoppers, views=views):
            ingest_events(
                environment=environment, rows=rows, received_at=timezone.now(), source="import"
            )


def _items() -> list[dict[str, Any]]:
    return [
        {"id": f"sku-{row}", "title": f"Thing {row}", "categories": [f"Shelf {row % SHELVES}"]}
        for row in range(SHELVES * ITEMS_PER_SHELF)
    ]


def _batches(*, shoppers: int, views: int) -> Iterator[list[dict[str, Any]]]:
    draw = random.Random(7)
    events = [_view(draw, shopper) for shopper in range(shoppers) for _ in range(views)]
    for start in range(0, len(events), 1000):
        yield events[start : start + 1000]


def _view(draw: random.Random, shopper: int) -> dict[str, Any]:
    shelf = shopper % SHELVES if draw.random() < 0.8 else draw.randrange(SHELVES)
    item = draw.randrange(ITEMS_PER_SHELF) * SHELVES + shelf
    at = FIRST_DAY + timedelta(minutes=draw.randrange(WEEKS * 7 * 24 * 60))
    return {
        "type": "view",
        "user_id": f"u{shopper}",
        "item_id": f"sku-{item}",
        "ts": at.isoformat(),
    }
