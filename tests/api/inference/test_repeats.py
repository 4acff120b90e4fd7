"""A recommendation call that comes again under its Idempotency-Key is charged once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from typing import TypeVar

import pytest
import redis

from api.inference import repeats
from api.inference.redis_pipe import RedisPipe
from api.inference.repeats import KEPT_SECONDS, Repeats, mark_of
from billing.metering.record import UsageFlag
from saas.lib.ids import new_ulid
from tests.api.inference.conftest import PATIENCE_SECONDS, Hand, Service
from tests.chaos.processes import wait_for

NOWHERE = "redis://127.0.0.1:1/0"
Answer = TypeVar("Answer")


@pytest.fixture
def key(acorn_hand: Hand, shop: Callable[..., None]) -> str:
    shop(viewed={"u:ann": [2]})
    return acorn_hand.make_key()


@pytest.fixture
def store() -> Iterator[int]:
    """An environment that no other test has, and no trace of it afterwards."""
    store = 888_001
    with closing(redis.Redis.from_url(os.environ["REDIS_URL"])) as client:
        client.delete(f"sw:{store}:charged")
        yield store
        client.delete(f"sw:{store}:charged")


def charged(service: Service) -> list[bool]:
    return [bool(each.flags & UsageFlag.BILLABLE) for each in service.usage()]


def again(idempotency_key: str) -> dict[str, str]:
    return {"Idempotency-Key": idempotency_key}


def asked(
    what: Callable[[list[Repeats]], Awaitable[Answer]],
    *,
    processes: int = 1,
    url: str | None = None,
    clock: Callable[[], float] = lambda: 1_000_000.0,
) -> Answer:
    """Ask as so many serving processes do."""

    async def run() -> Answer:
        pipes = [
            RedisPipe(url or os.environ["REDIS_URL"], patience=PATIENCE_SECONDS)
            for _ in range(processes)
        ]
        answer = await what([Repeats(pipe, clock=clock) for pipe in pipes])
        for pipe in pipes:
            pipe.drop()
        return answer

    return asyncio.run(run())


def test_a_repeat_is_answered_and_not_charged(service: Service, key: str) -> None:
    headers = again(new_ulid())
    first, second = (service.post("popular", key, {"limit": 2}, headers=headers) for _ in range(2))

    assert first.json()["items"] == second.json()["items"]
    assert "idempotent-replayed" not in second.headers
    assert first.json()["recommendation_id"] != second.json()["recommendation_id"]
    assert charged(service) == [True, False]


def test_calls_without_a_key_are_charged_each(service: Service, key: str) -> None:
    for _ in range(2):
        service.post("popular", key)

    assert charged(service) == [True, True]


def test_another_request_under_the_same_key_is_another_call(service: Service, key: str) -> None:
    headers = again(new_ulid())
    service.post("popular", key, {"limit": 2}, headers=headers)
    service.post("popular", key, {"limit": 3}, headers=headers)
    service.post("trending", key, {"limit": 2}, headers=headers)

    assert charged(service) == [True, True, True]


def test_a_page_of_boxes_is_charged_once(service: Service, key: str) -> None:
    for _ in range(2):
        service.request(
            "POST",
            "/v1/recommend:batch",
            content=b'{"requests": [{"type": "popular"}, {"type": "popular", "limit": 2}]}',
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
                **again("page"),
            },
        )

    assert charged(service) == [True, True, False, False]


def test_what_came_to_nothing_is_charged_when_it_comes_to_something(
    service: Service, acorn_hand: Hand, key: str
) -> None:
    headers, wanted = again(new_ulid()), {"filter": {"==": ["brand", "Rare"]}}
    assert service.post("popular", key, wanted, headers=headers).json()["items"] == []
    acorn_hand.put("item-0", brand="Rare")

    def is_there() -> bool:
        return bool(service.post("popular", key, wanted).json()["items"])

    wait_for("the item", is_there)
    before = len(service.usage())
    assert service.post("popular", key, wanted, headers=headers).json()["items"]
    assert charged(service)[before:] == [True]


@pytest.mark.parametrize("length", [0, 256])
def test_a_key_of_no_use_is_refused(service: Service, key: str, length: int) -> None:
    answer = service.post("popular", key, headers=again("x" * length))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "#Idempotency-Key"
    assert service.usage() == []


def test_processes_know_each_others_calls(store: int) -> None:
    async def ask(processes: list[Repeats]) -> list[bool]:
        one, other = processes
        return [await each.is_first(store, b"mark") for each in (one, other, one, other)]

    assert asked(ask, processes=2) == [True, False, False, False]


def test_of_two_at_once_one_is_charged(store: int) -> None:
    async def ask(processes: list[Repeats]) -> list[bool]:
        return await asyncio.gather(*(each.is_first(store, b"mark") for each in processes * 3))

    assert sorted(asked(ask, processes=3)) == [False] * 8 + [True]


def test_stores_have_keys_of_their_own(store: int) -> None:
    async def ask(processes: list[Repeats]) -> list[bool]:
        (one,) = processes
        return [await one.is_first(each, b"mark") for each in (store, store + 1)]

    assert asked(ask, url=NOWHERE) == [True, True]


def test_without_redis_a_process_knows_its_own(store: int) -> None:
    async def ask(processes: list[Repeats]) -> list[bool]:
        one, other = processes
        alone = [await one.is_first(store, b"mark") for _ in range(2)]
        at_once = await asyncio.gather(*(other.is_first(store, b"mark") for _ in range(3)))
        return [*alone, *sorted(at_once)]

    # The other process cannot know.
    assert asked(ask, processes=2, url=NOWHERE) == [True, False, False, False, True]


def test_what_was_forgotten_is_charged(store: int) -> None:
    async def ask(processes: list[Repeats]) -> list[bool]:
        one, other = processes
        first = await one.is_first(store, b"mark")
        one.forget(store, b"mark")
        await asyncio.gather(*one._forgetting)
        return [first, await other.is_first(store, b"mark")]

    assert asked(ask, processes=2) == [True, True]


def test_a_day_later_it_is_another_call(store: int) -> None:
    now = 1_000_000.0

    async def ask(processes: list[Repeats]) -> list[bool]:
        nonlocal now
        one, other = processes
        found = [await one.is_first(store, b"mark")]
        now += KEPT_SECONDS - 1
        found.append(await other.is_first(store, b"mark"))
        now += 2
        found += [await one.is_first(store, b"mark"), await other.is_first(store, b"mark")]
        return found

    assert asked(ask, processes=2, clock=lambda: now) == [True, False, True, False]


def test_the_memory_of_it_is_bounded(store: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "MOST_OF_STORE", 2)
    monkeypatch.setattr(repeats, "MOST_OF_PROCESS", 2)
    now = iter(range(1_000_000, 1_000_100))

    async def ask(processes: list[Repeats]) -> list[bool]:
        (one,) = processes
        marks = (b"a", b"b", b"c", b"c", b"b", b"a")
        return [await one.is_first(store, mark) for mark in marks]

    # The oldest is forgotten, in the process and in Redis.
    assert asked(ask, clock=lambda: next(now)) == [True, True, True, False, False, True]
    with closing(redis.Redis.from_url(os.environ["REDIS_URL"])) as client:
        assert client.zcard(f"sw:{store}:charged") == 2
        assert 0 < int(str(client.ttl(f"sw:{store}:charged"))) <= KEPT_SECONDS


def test_a_mark_is_of_the_key_and_the_whole_request() -> None:
    marks = {
        mark_of(key, operation=operation, body=body)
        for key in (b"a", b"b")
        for operation in ("popular", "trending")
        for body in (b"{}", b'{"limit":1}')
    }

    assert len(marks) == 8
