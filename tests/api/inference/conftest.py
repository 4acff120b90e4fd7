"""A serving process inside the test, on the real database, and a hand to change what it sees."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from api.inference.app import create_app
from api.inference.runtime import Runtime
from billing.metering.record import RECORD_BYTES, UsageRecord, decode
from engine.core.artifact import Artifact, open_artifact
from saas.lib.config import Config, config
from saas.lib.ids import new_ulid
from tenants import tokens
from tests.api.inference.models import ITEMS, write_model
from tests.api.inference.random_stores import ITEMS as RANDOM_ITEMS

# Far more than the contract's 2 seconds: a busy test machine is no proof of a broken promise.
PATIENCE_SECONDS = 20.0
Result = TypeVar("Result")
_ITEM_DEFAULTS: dict[str, Any] = {
    "categories": [],
    "in_stock": True,
    "recommendable": True,
    "aliases": [],
    "attributes": "{}",
}


def eventually(is_so: Callable[[], bool], *, within: float = PATIENCE_SECONDS) -> None:
    """Ask again until it is so; fails when patience is over."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within} s"
        pause.wait(0.02)


@dataclass
class Hand:
    """Writes one environment's rows for good, and takes them back at the end."""

    environment: Any
    connection: psycopg.Connection[Any]

    def put(self, item_id: str, **fields: Any) -> None:
        """Create an item or change it, stamping the catalogue clock as the services do."""
        row = {"title": item_id.title(), **_ITEM_DEFAULTS, **fields}
        sets = [
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
            for name in (*fields, "change_seq")
        ]
        insert = sql.SQL(
            "INSERT INTO engine_item (item_id, change_seq, created_at, updated_at, {names}) "
            "VALUES (%s, %s, now(), now(), {values}) ON CONFLICT (item_id) DO UPDATE SET {sets}"
        ).format(
            names=sql.SQL(", ").join(map(sql.Identifier, row)),
            values=sql.SQL(", ").join([sql.Placeholder()] * len(row)),
            sets=sql.SQL(", ").join(sets),
        )
        with self.connection.transaction():
            seq = self._tick()
            self._become()
            self.connection.execute(insert, (item_id, seq, *row.values()))

    def delete(self, item_id: str) -> None:
        """Delete an item as the catalogue does: softly."""
        self.put(item_id, deleted_at="2026-01-01T00:00:00Z")

    def object_to_profiling(self, user_id: str) -> None:
        """Note that a user does not want personal answers."""
        with self.connection.transaction():
            seq = self._tick()
            self._become()
            self.connection.execute(
                "INSERT INTO engine_shopper (kind, external_id, attributes, personalise,"
                " created_at, updated_at, change_seq)"
                " VALUES ('user', %s, '{}', false, now(), now(), %s)",
                (user_id, seq),
            )

    def go_live(self, version: str | None) -> None:
        """Promote a model version."""
        self.connection.execute(
            "UPDATE tenants_environment SET live_version = %s WHERE id = %s",
            (version, self.environment.id),
        )

    def explore(self, share: float) -> None:
        """Decide how much of personal lists goes to new items."""
        self.connection.execute(
            "UPDATE tenants_environment SET explore_share = %s WHERE id = %s",
            (share, self.environment.id),
        )

    def set_placements(self, placements: dict[str, Any]) -> None:
        """Decide what calls for places on pages take where they say nothing themselves."""
        self.connection.execute(
            "UPDATE tenants_environment SET placements = %s WHERE id = %s",
            (Jsonb(placements), self.environment.id),
        )

    def set_status(self, status: str) -> None:
        """Suspend the tenant, or let it work again."""
        self.connection.execute(
            "UPDATE tenants_tenant SET status = %s WHERE id = %s",
            (status, self.environment.tenant_id),
        )

    def make_key(self, *, kind: str = "secret", **fields: Any) -> str:
        """Make an API key and return its text."""
        scopes = tokens.SCOPES if kind == "secret" else tokens.PUBLISHABLE_SCOPES
        text = tokens.make_key(kind=kind, environment=self.environment.kind)  # type: ignore[arg-type]
        row = {
            "id": f"key_{new_ulid()}",
            "environment_id": self.environment.id,
            "kind": kind,
            "name": "of the inference tests",
            "prefix": text[:12],
            "last_four": text[-4:],
            "digest": tokens.digest(text),
            "scopes": list(scopes),
            "allowed_origins": [],
            "control_seq": 0,
            **fields,
        }
        statement = sql.SQL(
            "INSERT INTO tenants_apikey ({names}, created_at) VALUES ({values}, now())"
        ).format(
            names=sql.SQL(", ").join(map(sql.Identifier, row)),
            values=sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        )
        self.connection.execute(statement, tuple(row.values()))
        return text

    def key_id(self, key: str) -> str:
        """Return the public name of a key."""
        row = self.connection.execute(
            "SELECT id FROM tenants_apikey WHERE digest = %s", (tokens.digest(key),)
        ).fetchone()
        assert row is not None
        return str(row[0])

    def revoke(self, key: str) -> None:
        """Revoke a key."""
        self.connection.execute(
            "UPDATE tenants_apikey SET revoked_at = now() WHERE digest = %s", (tokens.digest(key),)
        )

    def control_seq(self) -> int:
        """Return the time on the clock of what serving processes must know."""
        row = self.connection.execute("SELECT seq FROM tenants_controlclock").fetchone()
        assert row is not None
        return int(row[0])

    def take_back(self) -> None:
        """Leave the environment as it was: no items, no model, no keys of ours."""
        self.go_live(None)
        self.set_status("active")
        self.explore(0.1)
        self.set_placements({})
        with self.connection.transaction():
            self._become()
            self.connection.execute("DELETE FROM engine_item")
            self.connection.execute("DELETE FROM engine_attribute")
            self.connection.execute("DELETE FROM engine_shopper")
        self.connection.execute(
            "UPDATE tenants_apikey SET revoked_at = now() WHERE name = 'of the inference tests'"
        )

    def _tick(self) -> int:
        row = self.connection.execute(
            "UPDATE public.tenants_catalogueclock SET change_seq = change_seq + 1 "
            "WHERE environment_id = %s RETURNING change_seq",
            (self.environment.id,),
        ).fetchone()
        assert row is not None
        return int(row[0])

    def _become(self) -> None:
        self.connection.execute(
            sql.SQL("SET LOCAL search_path = {}; SET LOCAL ROLE {}").format(
                sql.Identifier(self.environment.schema_name),
                sql.Identifier(self.environment.role_name),
            )
        )


@pytest.fixture(scope="session")
def connection(migrated: None) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(config().database_url, autocommit=True) as own:
        yield own


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as long as a busy test machine may need; serving would answer without, or with 503."""
    monkeypatch.setattr("api.inference.runtime.TIMEOUT_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr("api.inference.shelves._MAX_WAIT_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
def acorn_hand(acorn_store: Any, connection: psycopg.Connection[Any]) -> Iterator[Hand]:
    hand = Hand(acorn_store.live, connection)
    yield hand
    hand.take_back()


@pytest.fixture
def acorn_test_hand(acorn_store: Any, connection: psycopg.Connection[Any]) -> Iterator[Hand]:
    hand = Hand(acorn_store.test, connection)
    yield hand
    hand.take_back()


@pytest.fixture
def birch_hand(birch_store: Any, connection: psycopg.Connection[Any]) -> Iterator[Hand]:
    hand = Hand(birch_store.live, connection)
    yield hand
    hand.take_back()


@pytest.fixture
def serving_config(migrated: None, tmp_path: Path) -> Config:
    return config().model_copy(
        update={
            "artifacts": tmp_path / "artifacts",
            "usage_log": tmp_path / "usage",
            "control_cache": tmp_path / "control.msgpack",
        }
    )


class EventLoop:
    """The event loop of a serving process, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run to the end from the test's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Service:
    """The serving process as its callers see it."""

    def __init__(self, own: Config, loop: EventLoop) -> None:
        self.runtime = Runtime(own)
        self.runtime.start()
        self._loop = loop
        self._usage_log = own.usage_log
        transport = httpx.ASGITransport(create_app(self.runtime), raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://serving.test")

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Make any request."""
        return self._loop.run(self._client.request(method, path, **more))

    async def call(self, operation: str, key: str, body: Any) -> httpx.Response:
        """Make a recommendation call in the event loop, beside others."""
        path = f"/v1/recommend/{operation}"
        return await self._client.post(path, json=body, headers={"Authorization": f"Bearer {key}"})

    def catch_up(self, seq: int) -> None:
        """Look at PostgreSQL until what was committed as `seq` is known."""
        while self.runtime.control.snapshot.seq < seq:
            self._loop.run(self.runtime.control.refreshed())

    def stop(self) -> None:
        """Stop as the process does."""
        self._loop.run(self.runtime.stop())

    def post(self, operation: str, key: str | None, body: Any = None, **more: Any) -> Any:
        """Make a recommendation call and return the whole answer."""
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        headers |= more.pop("headers", {})
        content = {"content": body} if isinstance(body, bytes) else {"json": body or {}}
        if isinstance(body, bytes):
            headers = {"Content-Type": "application/json", **headers}
        return self.request(
            "POST", f"/v1/recommend/{operation}", headers=headers, **content, **more
        )

    def ids(self, operation: str, key: str, body: Any = None) -> list[str]:
        """Make a call that succeeds and return the items' ids."""
        answer = self.post(operation, key, body)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    def usage(self) -> list[UsageRecord]:
        """Return what was recorded so far."""
        logs = [file.read_bytes() for file in sorted(self._usage_log.glob("*.usage"))]
        return [
            decode(log[start : start + RECORD_BYTES])
            for log in logs
            for start in range(0, len(log), RECORD_BYTES)
        ]


@pytest.fixture(scope="session")
def loop() -> Iterator[EventLoop]:
    own = EventLoop()
    yield own
    own.close()


@pytest.fixture
def services() -> Iterator[list[Service]]:
    """The serving processes of the test, which end with it."""
    started: list[Service] = []
    yield started
    for service in started:
        service.stop()


@pytest.fixture
def serve(loop: EventLoop, services: list[Service]) -> Callable[[Config], Service]:
    """Start a serving process."""

    def start(own: Config) -> Service:
        services.append(Service(own, loop))
        return services[-1]

    return start


@pytest.fixture
def shop(acorn_hand: Hand, serving_config: Config, services: list[Service]) -> Callable[..., None]:
    """Put the model's items into the catalogue and a model live, known to what is serving."""

    def open_shop(**model: Any) -> None:
        for item_id in model.get("items", ITEMS):
            acorn_hand.put(item_id)
        version = write_model(serving_config.artifacts, acorn_hand.environment.id, **model)
        acorn_hand.go_live(version)
        for service in services:
            service.catch_up(acorn_hand.control_seq())

    return open_shop


@pytest.fixture
def service(serve: Callable[[Config], Service], serving_config: Config) -> Service:
    return serve(serving_config)


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("artifacts")
    version = write_model(
        folder,
        1,
        items=RANDOM_ITEMS,
        viewed={"u:ada": [2, 5]},
        bought={"u:ada": [3]},
        baskets=[[2, 4], [2, 4], [2, 7], [2, 7], [5, 7], [5, 7], [5, 9], [5, 9]],
    )
    return open_artifact(Path(folder, "1", version), verify=False)
