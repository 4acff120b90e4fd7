"""Calls that wait for an event's effect, and what the answer says of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from saas.lib.config import config
from saas.lib.recent_events import watermark_hash
from tests.api.inference.conftest import EventLoop, Hand, Service


@pytest.fixture
def key(acorn_hand: Hand) -> str:
    return acorn_hand.make_key()


class Counter:
    """The environment's watermark in Redis."""

    def __init__(self, environment_id: int) -> None:
        self._client = redis.Redis.from_url(config().redis_url)
        self._name = watermark_hash(environment_id)

    def put(self, epoch: str, n: int) -> None:
        self._client.hset(self._name, mapping={"epoch": epoch, "n": n})

    def lose(self) -> None:
        self._client.delete(self._name)

    def close(self) -> None:
        self.lose()
        self._client.close()


@pytest.fixture
def counter(acorn_hand: Hand) -> Iterator[Counter]:
    own = Counter(acorn_hand.environment.id)
    yield own
    own.close()


def freshness(service: Service, key: str, watermark: str) -> dict[str, Any]:
    answer = service.post("popular", key, {"min_watermark": watermark})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["freshness"])


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.inference.shopper.MAX_WAIT_SECONDS", 0.2)


@pytest.mark.parametrize("n", [7, 8])
def test_what_is_there_is_not_waited_for(
    service: Service, key: str, counter: Counter, n: int
) -> None:
    counter.put("E", n)
    found = freshness(service, key, "E-7")
    assert (found["watermark"], found["min_watermark"]) == (f"E-{n}", "reached")


def test_a_call_that_names_none_is_told_nothing_of_it(
    service: Service, key: str, counter: Counter
) -> None:
    counter.put("E", 7)
    assert "min_watermark" not in service.post("popular", key).json()["freshness"]


def test_a_call_waits_until_the_event_is_there(
    service: Service, key: str, counter: Counter
) -> None:
    counter.put("E", 6)
    freshness(service, key, "E-6")
    later = threading.Timer(0.1, counter.put, ("E", 7))
    later.start()
    found = freshness(service, key, "E-7")
    later.join()
    assert (found["watermark"], found["min_watermark"]) == ("E-7", "reached")


@pytest.mark.usefixtures("short_wait")
def test_a_call_that_waited_in_vain_is_answered_and_says_so(
    service: Service, key: str, counter: Counter
) -> None:
    counter.put("E", 6)
    found = freshness(service, key, "E-7")
    assert (found["watermark"], found["min_watermark"]) == ("E-6", "not_reached")


def test_others_are_answered_while_one_waits(
    service: Service, key: str, counter: Counter, loop: EventLoop
) -> None:
    counter.put("E", 6)
    freshness(service, key, "E-6")
    answered: list[str] = []

    async def call(name: str, body: dict[str, Any]) -> None:
        await service.call("popular", key, body)
        answered.append(name)
        if name == "another":
            counter.put("E", 7)

    async def both() -> None:
        await asyncio.gather(call("waiting", {"min_watermark": "E-7"}), call("another", {}))

    started = time.monotonic()
    loop.run(both())
    assert answered == ["another", "waiting"]
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("is_counted_anew", [True, False])
def test_what_redis_has_lost_is_not_waited_for(
    service: Service,
    key: str,
    counter: Counter,
    is_counted_anew: bool,  # noqa: FBT001  # pytest passes it by name
) -> None:
    counter.put("NEW", 1) if is_counted_anew else counter.lose()
    started = time.monotonic()
    found = freshness(service, key, "OLD-1")
    assert time.monotonic() - started < 1
    assert found["min_watermark"] == "lost"
    assert found["watermark"] == ("NEW-1" if is_counted_anew else None)


@pytest.mark.parametrize("text", ["", "7", "-7", "E-", "E-x", "E-" + "9" * 19])
def test_what_is_no_watermark_is_refused(service: Service, key: str, text: str) -> None:
    answer = service.post("popular", key, {"min_watermark": text})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert answer.json()["errors"][0]["pointer"] == "/min_watermark"


def test_a_page_cannot_make_us_wait(service: Service, acorn_hand: Hand) -> None:
    key = acorn_hand.make_key(kind="publishable")
    answer = service.post("popular", key, {"min_watermark": "E-7"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
