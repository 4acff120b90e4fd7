"""An erasure and what comes in beside it: whoever looked first is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from engine.models.shopper import IdentityLink
from engine.services.erase_user import erase_user
from engine.services.ingest_events import ingest_events
from engine.services.merge_users import merge_users
from saas.lib.config import config
from saas.lib.errors import RowsRejected
from tenants.context import in_environment
from tenants.db.connection import connection
from tenants.models.environment import Environment
from tests.conftest import Store
from tests.engine.privacy import at, erase, remove_all, stored, take_in, view

PATIENCE_SECONDS = 20.0


@pytest.fixture
def store(acorn_store: Store, no_files: None) -> Iterator[Environment]:
    """Acorn Books with real commits; what a test leaves is removed."""
    acorn = acorn_store.live
    yield acorn
    remove_all(acorn)


class Beside:
    """Does something in a thread with a connection of its own, which may have to wait."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except RowsRejected as error:
            self.error = error
        finally:
            connection.close()

    def await_its_wait(self) -> None:
        """Return once it waits for the lock that erasures and writers share."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with psycopg.connect(config().database_url, autocommit=True) as own:
            while not own.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchone():
                assert self._thread.is_alive(), "it did not wait"
                assert time.monotonic() < deadline

    def join(self) -> None:
        self._thread.join(timeout=PATIENCE_SECONDS)
        assert not self._thread.is_alive()


def test_an_erasure_waits_for_events_that_are_being_stored(store: Environment) -> None:
    with in_environment(store):
        ingest_events(environment=store, rows=[view(0, user_id="ada")], received_at=at(1))
        erasure = Beside(lambda: erase(store, user_id="ada"))
        erasure.await_its_wait()
    erasure.join()
    assert stored(store) == []


def test_events_wait_for_an_erasure_and_are_refused(store: Environment) -> None:
    with in_environment(store):
        erase_user(environment=store, user_id="ada", anonymous_id=None, actor="test")
        sender = Beside(lambda: take_in(store, view(0, user_id="ada")))
        sender.await_its_wait()
    sender.join()
    assert sender.error is not None
    assert stored(store) == []


def test_a_merge_that_waited_for_an_erasure_begins_anew(store: Environment) -> None:
    def merge_now() -> None:
        with in_environment(store):
            merge_users(environment=store, anonymous_id="tab", user_id="ada", now=at(0))

    take_in(store, view(0, user_id="ada"))
    with in_environment(store):
        erase_user(environment=store, user_id="ada", anonymous_id=None, actor="test")
        merging = Beside(merge_now)
        merging.await_its_wait()
    merging.join()
    with in_environment(store):
        links = IdentityLink.objects.values_list("user__kind", "user__external_id")
        assert list(links) == [("user", "ada")]
