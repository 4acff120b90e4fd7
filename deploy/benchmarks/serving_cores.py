"""Measures how many calls two processes on two cores make, beside one; without a network."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import time
from multiprocessing.synchronize import Barrier
from typing import Any

import orjson
import structlog

from api.inference.app import create_app
from api.inference.runtime import Runtime
from deploy.benchmarks.serving_server import LIMIT
from deploy.benchmarks.serving_store import SHOPPERS, make_serving_stores
from saas.lib.config import config

CALLS = 5_000
ROUNDS = 3


def main() -> None:
    """Print the calls a second of one process and of two."""
    key, _ = make_serving_stores(["taste"], ["taste"])
    cores = sorted(os.sched_getaffinity(0))[:2]
    one = max(calls_per_second(key, cores[:1]) for _ in range(ROUNDS))
    two = max(calls_per_second(key, cores) for _ in range(ROUNDS))
    print(f"  one process {one:,.0f} calls/s, two {two:,.0f}: {two / one:.2f} times")


def calls_per_second(key: str, cores: list[int]) -> float:
    """Return what a process on each of the cores makes in all, begun at one time."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(cores))
    with context.Pool(len(cores), initializer=_share, initargs=(barrier,)) as pool:
        return sum(pool.starmap(work, [(key, core) for core in cores]))


def work(key: str, core: int) -> float:
    """Return the calls a second of one process on one core."""
    os.sched_setaffinity(0, [core])
    return asyncio.run(_work(key))


async def _work(key: str) -> float:
    runtime = Runtime(config())
    runtime.start()
    app = create_app(runtime)
    try:
        while orjson.loads(await call(app, key, 1)).get("strategy") != "personal":
            await asyncio.sleep(0.2)
        await asyncio.to_thread(_barrier.wait)
        began = time.perf_counter()
        for number in range(CALLS):
            await call(app, key, number)
        return CALLS / (time.perf_counter() - began)
    finally:
        await runtime.stop()


async def call(app: Any, key: str, number: int) -> bytes:
    """Make one call as the server would hand it over, and return the answer's body."""
    body = orjson.dumps({"limit": LIMIT, "user_id": f"user-{number % SHOPPERS}"})
    answer: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answer.append(message.get("body", b""))

    headers = [
        (b"authorization", f"Bearer {key}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    path = "/v1/recommend/for-user"
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "client": None}
    await app(scope, receive, send)
    return answer[-1]


_barrier: Barrier


def _share(barrier: Barrier) -> None:
    global _barrier
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    _barrier = barrier


if __name__ == "__main__":
    main()
