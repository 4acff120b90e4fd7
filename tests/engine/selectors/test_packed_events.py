"""Events of many pages: read by two connections, and yet all of one moment."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from engine.selectors import packed_events as module
from engine.selectors.packed_events import PackedEvents, packed_events
from engine.services.ingest_events import ingest_events
from saas.lib.config import config
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.conftest import make_store

PATIENCE_SECONDS = 15
MONDAY = datetime(2026, 1, 5, 10, tzinfo=UTC)
LINES = 400


@pytest.fixture
def store(migrated: None) -> Iterator[Environment]:
    """A store with committed events of several pages, the newest of them stored first."""
    live = make_store(f"Elder Lamps {secrets.token_hex(3)}").live
    rows = [
        {
            "type": "purchase" if number % 10 == 0 else "view",
            "user_id": f"user-{number % 7}",
            "item_id": f"lamp-{number % 5}",
            "quantity": 1 + number % 3,
            "order_id": f"order-{number}",
            "ts": (MONDAY - timedelta(minutes=number)).isoformat(),
        }
        for number in range(LINES)
    ]
    with in_environment(live):
        ingest_events(environment=live, rows=rows, received_at=MONDAY)
    yield live
    with in_environment(live), connection.cursor() as cursor:
        # Nobody is to train it in the tests that follow.
        cursor.execute("DELETE FROM engine_event")


@pytest.fixture
def page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGES", 1)


def read(store: Environment) -> PackedEvents:
    with in_environment(store):
        return packed_events()


def lines(events: PackedEvents) -> list[tuple[Any, ...]]:
    return list(zip(*(column.tolist() for column in vars(events).values()), strict=True))


def before_each_read(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    own = module._read

    def read_after(*arguments: Any) -> Any:
        act()
        return own(*arguments)

    monkeypatch.setattr(module, "_read", read_after)


def change(store: Environment, statement: str) -> None:
    """Commit as another process would."""
    with psycopg.connect(config().database_url) as other:
        other.execute(
            f'SET LOCAL search_path = "{store.schema_name}"; SET LOCAL ROLE "{store.role_name}"'
        )
        other.execute(statement)


def test_many_pages_say_what_one_statement_says(
    store: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = lines(read(store))
    monkeypatch.setattr(module, "_PAGES", 1)
    assert lines(read(store)) == at_once
    assert len(at_once) == LINES


def test_lines_come_oldest_first_with_what_they_say(store: Environment, page_by_page: None) -> None:
    events = read(store)
    oldest = int((MONDAY - timedelta(minutes=LINES - 1)).timestamp())
    assert events.seconds.tolist() == [oldest + 60 * number for number in range(LINES)]
    purchases = events.take(events.is_type("purchase"))
    # Numbers 390, 380, …, 0, each of 1 + number % 3.
    assert purchases.quantity.tolist() == [1 + number % 3 for number in range(390, -1, -10)]
    assert events.has_order.all()
    assert len(set(events.basket.tolist())) == LINES


def test_two_readers_read_at_once(
    store: Environment, page_by_page: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)
    met: set[str] = set()

    def meet() -> None:
        name = threading.current_thread().name
        if name not in met:
            met.add(name)
            both.wait(PATIENCE_SECONDS)

    before_each_read(monkeypatch, meet)
    assert len(read(store).seconds) == LINES
    assert len(met) == 2


def test_what_is_committed_meanwhile_is_of_another_moment(
    store: Environment, page_by_page: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lines(read(store))
    read_together = module._read_together
    has_changed = threading.Lock()

    def begin_late(*arguments: Any) -> Any:
        change(store, "DELETE FROM engine_event WHERE type = 'view'")
        return read_together(*arguments)

    def change_everything() -> None:
        if has_changed.acquire(blocking=False):
            change(store, "UPDATE engine_event SET occurred_at = now()")

    monkeypatch.setattr(module, "_read_together", begin_late)
    before_each_read(monkeypatch, change_everything)
    assert lines(read(store)) == before
    # 0, 10, …, 390 were purchases.
    assert len(read(store).seconds) == 40


def test_a_reader_that_fails_fails_the_reading(
    store: Environment, page_by_page: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ConnectionError("PostgreSQL is away.")

    before_each_read(monkeypatch, fail)
    with pytest.raises(ConnectionError):
        read(store)
