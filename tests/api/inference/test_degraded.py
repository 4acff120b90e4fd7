"""What serving does while something it reads or writes is away, and that it finds back by itself.

The servers are real; what is cut is the way to them, together with all that is connected.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client import Counter, Gauge
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from redis import Redis
from redis.asyncio.connection import parse_url

from api.inference import metrics
from api.inference.model_store import RETRY_SECONDS
from saas.lib.config import Config
from saas.lib.recent_events import watermark_hash
from tests.api.inference.conftest import EventLoop, Hand, Service, eventually
from tests.api.inference.models import write_model

Start = Callable[..., None]


class Gate:
    """A socket in front of a server that can be shut and opened."""

    def __init__(self, loop: EventLoop, path: Path, connect: Callable[[], Any]) -> None:
        self._loop = loop
        self._path = path
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.StreamWriter] = set()
        self.open()

    def open(self) -> None:
        """Let connections through."""
        self._server = self._loop.run(asyncio.start_unix_server(self._pass, self._path))

    def shut(self) -> None:
        """Cut every connection and let none through."""
        self._loop.run(self._cut())

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for way in self._ways:
            way.transport.abort()

    async def _pass(self, asking: asyncio.StreamReader, to_asker: asyncio.StreamWriter) -> None:
        answering, to_server = await self._connect()
        self._ways |= {to_asker, to_server}
        await asyncio.gather(_copy(asking, to_server), _copy(answering, to_asker))
        self._ways -= {to_asker, to_server}


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="gate-") as name:
        yield Path(name)


@pytest.fixture
def postgresql(loop: EventLoop, folder: Path, serving_config: Config) -> Iterator[Gate]:
    place = conninfo_to_dict(serving_config.database_url)
    name = f".s.PGSQL.{place.get('port', 5432)}"
    gate = Gate(
        loop, folder / name, lambda: asyncio.open_unix_connection(f"{place['host']}/{name}")
    )
    yield gate
    gate.shut()


@pytest.fixture
def valkey(loop: EventLoop, folder: Path, serving_config: Config) -> Iterator[Gate]:
    place: Any = parse_url(serving_config.redis_url)

    def connect() -> Any:
        if "path" in place:
            return asyncio.open_unix_connection(place["path"])
        return asyncio.open_connection(place["host"], place["port"])

    gate = Gate(loop, folder / "valkey", connect)
    yield gate
    gate.shut()


@pytest.fixture
def watermark(serving_config: Config, acorn_hand: Hand) -> Iterator[None]:
    """Count events as ingestion does."""
    name = watermark_hash(acorn_hand.environment.id)
    with Redis.from_url(serving_config.redis_url) as client:
        client.hset(name, mapping={"epoch": "e1", "n": "7"})
        yield
        client.delete(name)


def through(config: Config, folder: Path) -> Config:
    """Return the configuration of a process that reaches its servers through the gates."""
    place = urlsplit(config.redis_url)
    login = place.netloc.rpartition("@")[0]
    number = parse_url(config.redis_url).get("db", 0)
    return config.model_copy(
        update={
            "database_url": make_conninfo(config.database_url, host=str(folder)),
            "redis_url": f"unix://{login}@{folder / 'valkey'}?db={number}",
        }
    )


def value(metric: Counter | Gauge) -> float:
    """Return what a metric says now."""
    (sample, *_) = (each for family in metric.collect() for each in family.samples)
    return sample.value


@pytest.fixture
def service(
    serve: Callable[[Config], Service],
    serving_config: Config,
    folder: Path,
    postgresql: Gate,
    valkey: Gate,
) -> Service:
    return serve(through(serving_config, folder))


def test_without_postgresql_answers_go_on_and_say_how_old_the_catalogue_is(
    service: Service, shop: Start, acorn_hand: Hand, postgresql: Gate
) -> None:
    shop()
    key = acorn_hand.make_key()
    assert service.ids("popular", key, {"limit": 1}) == ["item-0"]
    postgresql.shut()
    acorn_hand.put("item-0", in_stock=False)
    eventually(lambda: freshness(service, key)["lag_ms"] > 2_000)
    assert service.ids("popular", key, {"limit": 1}) == ["item-0"]
    assert value(metrics.CATALOGUE_AGE_SECONDS) > 2
    postgresql.open()
    eventually(lambda: service.ids("popular", key, {"limit": 1}) == ["item-1"])
    assert freshness(service, key)["lag_ms"] < 20_000


def test_without_valkey_answers_go_on_and_see_events_again_once_it_is_back(
    service: Service, shop: Start, acorn_hand: Hand, valkey: Gate, watermark: None
) -> None:
    shop(viewed={"u:ada": [3]})
    key = acorn_hand.make_key()
    assert freshness(service, key)["watermark"] == "e1-7"
    valkey.shut()
    unread = value(metrics.RECENT_EVENTS_FAILURES)
    answer = service.post("for-user", key, {"user_id": "ada"}).json()
    assert answer["strategy"] == "personal"
    assert answer["freshness"]["watermark"] is None
    assert value(metrics.RECENT_EVENTS_FAILURES) > unread
    valkey.open()
    eventually(lambda: freshness(service, key)["watermark"] == "e1-7")


def test_without_the_artifacts_the_open_model_serves_on_and_the_next_one_once_they_are_back(
    service: Service, shop: Start, acorn_hand: Hand, serving_config: Config
) -> None:
    assert RETRY_SECONDS < 5
    shop()
    key = acorn_hand.make_key()
    old = service.post("popular", key).json()["model"]["version"]
    new = write_model(serving_config.artifacts, acorn_hand.environment.id)
    away = serving_config.artifacts.rename(serving_config.artifacts.with_name("away"))
    refused = value(metrics.MODELS_REFUSED)
    acorn_hand.go_live(new)
    eventually(lambda: value(metrics.MODELS_REFUSED) > refused)
    assert service.post("popular", key).json()["model"]["version"] == old
    away.rename(serving_config.artifacts)
    eventually(lambda: service.post("popular", key).json()["model"]["version"] == new)


def test_calls_that_the_disk_refuses_are_answered_and_counted(
    service: Service, shop: Start, acorn_hand: Hand, serving_config: Config
) -> None:
    shop()
    key = acorn_hand.make_key()
    away = serving_config.usage_log.rename(serving_config.usage_log.with_name("away"))
    # A file where the folder was: nothing can be written, whoever tries.
    serving_config.usage_log.write_text("")
    unrecorded = value(metrics.USAGE_UNRECORDED)
    assert service.post("popular", key).status_code == 200
    assert value(metrics.USAGE_UNRECORDED) == unrecorded + 1
    serving_config.usage_log.unlink()
    away.rename(serving_config.usage_log)
    assert service.post("popular", key).status_code == 200
    assert value(metrics.USAGE_UNRECORDED) == unrecorded + 1
    assert len(service.usage()) == 1


def test_a_flood_is_refused_before_it_queues_and_told_when_to_come_back(
    service: Service, shop: Start, acorn_hand: Hand, loop: EventLoop
) -> None:
    shop()
    key = acorn_hand.make_key()
    service.ids("popular", key)

    async def flood() -> list[Any]:
        return await asyncio.gather(*(service.call("popular", key, {}) for _ in range(200)))

    answers = loop.run(flood())
    refused = [each for each in answers if each.status_code != 200]
    assert refused
    assert {each.json()["code"] for each in refused} == {"overloaded"}
    assert {each.headers["retry-after"] for each in refused} == {"1"}
    assert service.post("popular", key).status_code == 200


def freshness(service: Service, key: str) -> dict[str, Any]:
    """Return what an answer says of itself."""
    answer: dict[str, Any] = service.post("for-user", key, {"user_id": "ada"}).json()
    return answer["freshness"]  # type: ignore[no-any-return]
