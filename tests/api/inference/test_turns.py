"""Stores take turns at being scored, and a flood is refused before it queues."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from api.inference import turns
from api.inference.scans import Scans
from api.inference.turns import Turns
from saas.lib.errors import Overloaded
from tests.api.inference.conftest import Hand, Service

NOISY, QUIET, THIRD = 1, 2, 3


def order_of(calls: Sequence[int]) -> list[int]:
    """Let calls of these stores come in one moment; return whose were scored, in their order."""
    scored: list[int] = []

    async def call(taking: Turns, store: int) -> None:
        await taking.wait(store)
        scored.append(store)

    async def run() -> None:
        taking = Turns()
        await asyncio.gather(*(call(taking, store) for store in calls))

    asyncio.run(run())
    return scored


def test_a_call_alone_does_not_wait() -> None:
    async def run() -> None:
        taking = Turns()
        coroutine = taking.wait(NOISY)
        with pytest.raises(StopIteration):
            coroutine.send(None)

    asyncio.run(run())


def test_a_store_waits_for_one_call_of_each_other() -> None:
    calls = [NOISY] * 6 + [QUIET, THIRD, QUIET]
    assert order_of(calls) == [NOISY, NOISY, QUIET, THIRD, NOISY, QUIET, NOISY, NOISY, NOISY]


def test_calls_of_one_store_keep_their_order() -> None:
    async def run() -> list[int]:
        taking, done = Turns(), []

        async def call(number: int) -> None:
            await taking.wait(NOISY)
            done.append(number)

        await asyncio.gather(*map(call, range(10)))
        return done

    assert asyncio.run(run()) == list(range(10))


def test_a_turn_is_over_before_the_next_begins() -> None:
    async def run() -> int:
        taking, at_once, most = Turns(), 0, 0

        async def call() -> None:
            nonlocal at_once, most
            await taking.wait(NOISY)
            at_once += 1
            most = max(most, at_once)
            at_once -= 1
            await asyncio.sleep(0)

        await asyncio.gather(*(call() for _ in range(20)))
        return most

    assert asyncio.run(run()) == 1


def test_a_call_on_its_way_to_its_turn_does_not_wait_for_another_at_each_step() -> None:
    scored: list[int] = []

    async def call(taking: Turns, store: int, steps: int) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        await taking.wait(store)
        scored.append(store)

    async def run() -> None:
        taking = Turns()
        noisy = (call(taking, NOISY, 0) for _ in range(9))
        # Reading, asking for the shopper and hearing the answer are such steps.
        await asyncio.gather(*noisy, call(taking, QUIET, 8))

    asyncio.run(run())
    # Nine, if there were a turn at each step.
    assert scored.index(QUIET) <= 5


def test_too_many_of_one_store_are_refused_and_others_still_come() -> None:
    async def run() -> None:
        taking = Turns()
        crowd = [asyncio.create_task(taking.wait(NOISY)) for _ in range(turns.MOST_OF_A_STORE + 1)]
        await asyncio.sleep(0)
        # One has its turn, the others fill the queue.
        with pytest.raises(Overloaded, match="your store's") as refused:
            await taking.wait(NOISY)
        assert refused.value.headers["Retry-After"]
        await taking.wait(QUIET)
        assert sum(task.done() for task in crowd) <= 3
        await asyncio.gather(*crowd)
        await taking.wait(NOISY)

    asyncio.run(run())


def test_too_many_of_all_are_refused() -> None:
    async def run() -> None:
        taking = Turns()
        crowd = [
            asyncio.create_task(taking.wait(number)) for number in range(turns.MOST_IN_ALL + 1)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="other calls"):
            await taking.wait(-1)
        await asyncio.gather(*crowd)

    asyncio.run(run())


def test_a_cancelled_call_takes_nobodys_turn() -> None:
    async def run() -> None:
        taking = Turns()
        _, gone, stays = [asyncio.create_task(taking.wait(NOISY)) for _ in range(3)]
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        assert gone.cancelled()
        await taking.wait(NOISY)

    asyncio.run(run())


def test_a_long_scan_leaves_the_event_loop_to_others_and_begins_in_its_turn() -> None:
    order: list[str] = []

    async def run() -> None:
        scans, loop, is_seen = Scans(), asyncio.get_running_loop(), threading.Event()
        artifact = SimpleNamespace(is_slow_to_scan=True)
        slow: Any = SimpleNamespace(model=SimpleNamespace(artifact=artifact))

        def scan(name: str) -> None:
            order.append(name)
            # The loop is free: it says so while the scan waits for it.
            loop.call_soon_threadsafe(is_seen.set)
            assert is_seen.wait(20)

        calls = [(NOISY, "noisy 1"), (NOISY, "noisy 2"), (NOISY, "noisy 3"), (QUIET, "quiet")]
        await asyncio.gather(
            *(scans.run(slow, store, partial(scan, name)) for store, name in calls)
        )
        scans.close()

    asyncio.run(run())
    assert order == ["noisy 1", "noisy 2", "quiet", "noisy 3"]


def test_a_short_scan_needs_no_thread() -> None:
    fast: Any = SimpleNamespace(model=None)
    scans = Scans()
    thread = asyncio.run(scans.run(fast, QUIET, threading.current_thread))
    assert thread is threading.current_thread()
    scans.close()


def test_a_big_stores_answers_are_those_of_the_event_loop(
    service: Service, acorn_hand: Hand, shop: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(viewed={"u:ada": [3]})
    key, body = acorn_hand.make_key(), {"user_id": "ada"}
    expected = service.ids("for-user", key, body)
    monkeypatch.setattr("engine.core.artifact.SLOW_ITEMS", 0)
    assert service.ids("for-user", key, body) == expected
    thread = service.runtime.scans._thread
    assert len(thread._threads) == 1
