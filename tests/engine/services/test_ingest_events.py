"""Events in bulk and at the same time: nothing twice, nobody waits in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from engine.models.event import Event
from engine.models.item import Item, ItemRef
from engine.models.shopper import IdentityLink, Shopper
from engine.services.ingest_events import IngestResult, ingest_events
from engine.services.refuse_erased import hold_off_erasures
from engine.services.write_items import write_items
from saas.lib.recent_events import recent_list, user_key
from saas.lib.redis_client import redis_client
from tenants.context import in_environment
from tenants.models.environment import Environment

if TYPE_CHECKING:
    from tests.conftest import Store

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def store(acorn_store: Store) -> Iterator[Environment]:
    """Acorn Books with real commits; what a test leaves is removed."""
    yield acorn_store.live
    with in_environment(acorn_store.live):
        for model in (Event, IdentityLink, Shopper, ItemRef, Item):
            model.objects.all().delete()
    redis_client().flushdb()


def _purchase(number: int, **members: Any) -> dict[str, Any]:
    return {
        "type": "purchase",
        "user_id": f"u{number}",
        "anonymous_id": f"a{number}",
        "item_id": f"i{number}",
        "order_id": f"o{number}",
        "event_id": f"e{number}",
        "ts": "2026-01-05T11:00:00Z",
        **members,
    }


def _ingest(store: Environment, rows: list[dict[str, Any]], **options: Any) -> IngestResult:
    with in_environment(store):
        return ingest_events(environment=store, rows=rows, received_at=NOON, **options)


def test_imported_history_is_stored_and_counted_but_not_recent(store: Environment) -> None:
    result = _ingest(store, [_purchase(1)], source=Event.Source.IMPORT)
    assert (result.accepted, result.watermark is None) == (1, False)
    assert redis_client().exists(recent_list(store.pk, user_key("u1"))) == 0


def test_a_failed_request_leaves_nothing_behind(store: Environment) -> None:
    def ingest_and_fail() -> None:
        with in_environment(store):
            ingest_events(environment=store, rows=[_purchase(1)], received_at=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        ingest_and_fail()
    with in_environment(store):
        assert not Event.objects.exists()
    assert redis_client().exists(recent_list(store.pk, user_key("u1"))) == 0


def test_the_same_events_at_the_same_time_count_once(store: Environment) -> None:
    rows = [_purchase(number) for number in range(200)]
    items = [{"id": f"i{number}", "title": "I"} for number in range(200)]

    def send(turn: int) -> IngestResult:
        try:
            return _ingest(store, rows if turn % 2 else rows[::-1])
        finally:
            connection.close()

    def write(_: int) -> None:
        try:
            with in_environment(store):
                write_items(environment=store, rows=items)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=5) as pool:
        writing = pool.submit(write, 0)
        results = list(pool.map(send, range(4)))
        writing.result()
    assert sum(result.accepted for result in results) == 200
    assert sum(result.duplicates for result in results) == 600
    with in_environment(store):
        assert Event.objects.count() == 200
        assert ItemRef.objects.filter(item=None).count() == 0
        assert IdentityLink.objects.count() == 200


def test_one_order_from_page_and_server_at_the_same_time_counts_once(store: Environment) -> None:
    def send(source: str) -> IngestResult:
        rows = [_purchase(number, event_id=f"{source}-{number}") for number in range(100)]
        try:
            return _ingest(store, rows, source=source)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(send, ["browser", "server"]))
    assert sorted(result.accepted for result in results) == [0, 100]
    assert sorted(result.duplicates for result in results) == [0, 100]


def test_a_statement_that_was_prepared_for_one_store_serves_the_next(
    acorn: Environment, birch: Environment
) -> None:
    """More turns than a statement takes to be prepared, on one connection."""
    for turn in range(8):
        for store in (acorn, birch):
            _ingest(store, [_purchase(turn)] if store is acorn else [_purchase(turn), _purchase(9)])
    counts = []
    for store in (acorn, birch):
        with in_environment(store):
            counts.append((Event.objects.count(), Shopper.objects.count()))
    assert counts == [(8, 16), (9, 18)]


def test_a_plan_that_is_kept_looks_up_by_indexes(acorn: Environment) -> None:
    with in_environment(acorn), connection.cursor() as cursor:
        hold_off_erasures(acorn)
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("off",)


def test_an_old_event_keeps_its_microsecond(acorn: Environment) -> None:
    sent = "1969-12-31T23:59:59.999999+00:00"
    with in_environment(acorn):
        ingest_events(
            environment=acorn,
            rows=[{"type": "view", "user_id": "ada", "item_id": "pan", "ts": sent}],
            received_at=datetime.now(UTC),
        )
        assert Event.objects.get().occurred_at.isoformat() == sent
