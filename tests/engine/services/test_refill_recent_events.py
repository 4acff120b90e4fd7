"""A Redis that was lost is refilled from PostgreSQL: with the newest events, each once."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from engine.jobs import REFILL_JOB
from engine.models.event import Event
from engine.services import publish_events, queue_refills, refill_recent_events
from engine.services.ingest_events import ingest_events
from engine.tasks import refill_recent_events as refill_task
from saas.embedded.valkey import EmbeddedValkey
from saas.lib.recent_events import (
    MAX_RECENT_EVENTS,
    RECENT_EVENTS_SECONDS,
    RecentEvent,
    anonymous_key,
    recent_list,
    session_key,
    unpack,
    user_key,
)
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.conftest import make_store

NOW = datetime.now(UTC).replace(microsecond=123_457)


class Server:
    """A Valkey of this test's own, to be killed."""

    def __init__(self, folder: Path) -> None:
        self._valkey = EmbeddedValkey(folder=folder)
        self.start()

    def start(self) -> None:
        self._valkey.start()
        self.client = Redis.from_url(self._valkey.socket_url)

    def kill(self) -> None:
        self.client.close()
        if self._valkey.pid is not None:
            os.kill(self._valkey.pid, signal.SIGKILL)
        self._valkey.stop()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server(tmp_path)
    for module in (publish_events, queue_refills, refill_recent_events):
        monkeypatch.setattr(module, "redis_client", lambda: made.client)
    yield made
    made.kill()


@pytest.fixture(scope="module")
def shop(migrated: None) -> Environment:
    return make_store(f"Hazel Rugs {secrets.token_hex(3)}").live


@pytest.fixture
def store(shop: Environment) -> Iterator[Environment]:
    """A store with real commits; what a test leaves is removed."""
    yield shop
    with in_environment(shop):
        Event.objects.all().delete()
    with on_platform():
        Job.objects.all().delete()


def send(store: Environment, *events: dict[str, Any], source: str = Event.Source.SERVER) -> None:
    rows = [
        {"type": "view", "ts": (NOW - timedelta(seconds=len(events) - at)).isoformat()} | event
        for at, event in enumerate(events)
    ]
    with in_environment(store):
        ingest_events(environment=store, rows=rows, received_at=NOW, source=source)


def recent(server: Server, store: Environment, key: str) -> list[RecentEvent]:
    entries: Any = server.client.lrange(recent_list(store.pk, key), 0, -1)
    return [unpack(entry) for entry in entries]


def refill(store: Environment) -> int:
    with in_environment(store):
        return refill_recent_events.refill_recent_events(environment=store)


def test_what_a_killed_redis_knew_is_there_again(server: Server, store: Environment) -> None:
    queue_refills.queue_refills()
    with on_platform():
        Job.objects.all().delete()
    send(
        store,
        {"user_id": "ada", "session_id": "s-1", "item_id": "rug-1"},
        {"user_id": "ada", "anonymous_id": "tab", "item_id": "rug-2"},
        {"anonymous_id": "phone", "type": "purchase", "order_id": "o", "item_id": "rug-3"},
        {"session_id": "s-2", "type": "cart", "item_id": "rug-3"},
        {"user_id": "ada", "type": "search", "query": "rug"},
    )
    keys = [user_key("ada"), anonymous_key("phone"), session_key("s-1"), session_key("s-2")]
    before = {key: recent(server, store, key) for key in keys}
    assert [len(events) for events in before.values()] == [2, 1, 1, 1]

    server.kill()
    server.start()
    assert server.client.dbsize() == 0
    queue_refills.queue_refills()
    with on_platform():
        job = Job.objects.get(kind=REFILL_JOB, environment=store)
    refill_task(job_id=job.pk, environment_id=store.pk)

    assert {key: recent(server, store, key) for key in keys} == before
    assert server.client.exists(recent_list(store.pk, anonymous_key("tab"))) == 0
    assert 0 < server.client.ttl(recent_list(store.pk, keys[0])) <= RECENT_EVENTS_SECONDS
    with on_platform():
        assert Job.objects.get(pk=job.pk).state == "done"


def test_refills_are_queued_once_for_each_loss(server: Server, store: Environment) -> None:
    assert queue_refills.queue_refills() > 0
    assert queue_refills.queue_refills() == 0
    server.client.flushall()
    # The first ones wait still; one at a time is enough.
    assert queue_refills.queue_refills() == 0
    with on_platform():
        Job.objects.all().delete()
    server.client.flushall()
    assert queue_refills.queue_refills() > 0
    server.kill()
    assert queue_refills.queue_refills() == 0


def test_what_came_meanwhile_stays_first_and_nothing_comes_twice(
    server: Server, store: Environment
) -> None:
    send(store, {"user_id": "ada", "item_id": "old"})
    server.client.flushall()
    send(store, {"user_id": "ada", "item_id": "new", "ts": NOW.isoformat()})
    assert refill(store) == 1
    assert refill(store) == 1
    assert [event.item_id for event in recent(server, store, user_key("ada"))] == ["new", "old"]


def test_a_list_holds_the_newest_and_no_more(server: Server, store: Environment) -> None:
    send(store, *({"user_id": "ada", "item_id": f"rug-{n}"} for n in range(MAX_RECENT_EVENTS + 5)))
    server.client.flushall()
    refill(store)
    items = [event.item_id for event in recent(server, store, user_key("ada"))]
    assert items == [f"rug-{n}" for n in range(MAX_RECENT_EVENTS + 4, 4, -1)]


def test_only_so_many_of_the_newest_events_are_looked_at(
    server: Server, store: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refill_recent_events, "MOST_EVENTS", 3)
    monkeypatch.setattr(refill_recent_events, "LISTS_AT_ONCE", 2)
    for number in range(5):
        send(store, {"user_id": f"u{number}", "item_id": "rug"})
    server.client.flushall()
    assert refill(store) == 3
    filled = [bool(recent(server, store, user_key(f"u{number}"))) for number in range(5)]
    assert filled == [False, False, True, True, True]


def test_imported_history_is_not_recent(server: Server, store: Environment) -> None:
    send(store, {"user_id": "ada", "item_id": "rug"}, source=Event.Source.IMPORT)
    assert refill(store) == 0
