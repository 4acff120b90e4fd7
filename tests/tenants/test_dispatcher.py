"""The dispatcher's loop: it wakes at once, and goes on when PostgreSQL or Redis come back."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from typing_extensions import override

from tenants import dispatcher as module
from tenants.context import on_platform
from tenants.dispatcher import Dispatcher, Periodic
from tenants.models.job import Job
from tenants.services.enqueue_job import enqueue_job
from tests.conftest import Store

# Far more than anything here takes; only a test that fails waits for so long.
PATIENCE_SECONDS = 15


class Broker:
    """Hands over what was sent; fails as often as it is told to."""

    def __init__(self) -> None:
        self.sent: queue.Queue[int] = queue.Queue()
        self.failures = 0

    def __call__(self, kind: str, arguments: dict[str, Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("Redis is away.")
        self.sent.put(arguments["job_id"])

    def next(self) -> int:
        return self.sent.get(timeout=PATIENCE_SECONDS)


@pytest.fixture
def broker() -> Broker:
    return Broker()


class WatchedDispatcher(Dispatcher):
    """Says when it has looked."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.has_looked = threading.Event()

    @override
    def look(self) -> None:
        super().look()
        self.has_looked.set()


@pytest.fixture
def running(
    acorn_store: Store, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Dispatcher]:
    """A dispatcher that has looked once and, but for notifications, sleeps for minutes."""
    ticked = threading.Event()
    monkeypatch.setattr(module, "LOOK_SECONDS", 300.0)
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.01)
    with on_platform():
        # What came due of jobs that earlier tests left.
        Job.objects.all().delete()
    dispatcher = WatchedDispatcher(
        database_url=_application_url(),
        publish=broker,
        waiting=dict,
        queues={},
        clock=[Periodic("a clock that fails", 300, _fail), Periodic("tick", 300, ticked.set)],
    )
    stop = threading.Event()
    thread = threading.Thread(target=dispatcher.run, args=[stop])
    thread.start()
    assert dispatcher.has_looked.wait(PATIENCE_SECONDS)
    assert ticked.is_set()
    yield dispatcher
    stop.set()
    with on_platform():
        _cut_off_listener()
        Job.objects.all().delete()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def _application_url() -> str:
    from saas.lib.config import config

    return config().database_url


def _fail() -> None:
    raise RuntimeError("One kind of periodic work fails.")


def _cut_off_listener() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'shelfwise-dispatcher' AND datname = current_database()"
        )


def enqueue(store: Store) -> int | None:
    with on_platform():
        return enqueue_job(kind="tests.quick", environment_id=store.live.pk)


def test_a_job_is_sent_when_its_transaction_commits(
    running: Dispatcher, broker: Broker, acorn_store: Store
) -> None:
    assert enqueue(acorn_store) == broker.next()
    assert running.is_stuck() is None


def test_it_goes_on_when_redis_is_back(
    running: Dispatcher, broker: Broker, acorn_store: Store
) -> None:
    broker.failures = 3
    assert enqueue(acorn_store) == broker.next()
    assert broker.failures == 0


def test_it_goes_on_when_postgresql_is_back(
    running: Dispatcher, broker: Broker, acorn_store: Store
) -> None:
    with on_platform():
        _cut_off_listener()
    assert enqueue(acorn_store) == broker.next()


def test_one_that_has_never_looked_is_not_ready() -> None:
    idle = Dispatcher(database_url="", publish=Broker(), waiting=dict, queues={}, clock=())
    assert idle.is_stuck() is not None
