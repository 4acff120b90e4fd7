"""Measures the CPU of one recommendation call beside an echo and a framework's view, in one run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any

import orjson

from deploy.benchmarks.ingestion_store import processor_seconds
from deploy.benchmarks.serving_store import RARE_CATEGORY, SHOPPERS, make_serving_stores
from saas.embedded.ports import free_port

CALLS = 3_000
WARM_UP = 300
CONNECTIONS = 4
# The answers under test and their baselines are asked in turn, so that a slow minute is theirs all.
ROUNDS = 3
LIMIT = 20
UVICORN = ["-m", "uvicorn", "--lifespan", "off", "--no-access-log"]
ECHO = [*UVICORN, "deploy.benchmarks.baseline_echo:application"]
FRAMEWORK = [*UVICORN, "deploy.benchmarks.baseline_serving:application"]
OURS = ["-m", "api.inference"]


def main() -> None:
    """Measure each way in turn and print the best round of each."""
    one_part, blend = make_serving_stores(["taste"], ["taste", "item_knn", "popular"])
    rare = {"filter": {"in": ["categories", RARE_CATEGORY]}}
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        os.environ["BENCH_ANSWER"] = answer.name
        with serving(OURS) as ours:
            wait_for_model(ours, one_part)
            wait_for_model(ours, blend)
            answer.write(ask_once(ours, one_part))
            answer.flush()
            with serving(ECHO) as echo, serving(FRAMEWORK) as framework:
                ways = {
                    "bare ASGI echo of the answer": (echo, requests(one_part)),
                    "framework's view, one dense part": (framework, requests(one_part)),
                    "for-user, one dense part": (ours, requests(one_part)),
                    "for-user, 1 % category filter": (ours, requests(one_part, **rare)),
                    "for-user, blend of three parts": (ours, requests(blend)),
                }
                results = measured(ways)
    show(results)


def measured(ways: dict[str, tuple[Server, Sequence[bytes]]]) -> dict[str, tuple[float, float]]:
    """Return each way's least CPU seconds of a call and the median delay of that round."""
    best: dict[str, tuple[float, float]] = {}
    for server, bodies in ways.values():
        asyncio.run(ask(server.port, bodies, count=WARM_UP))
    for _ in range(ROUNDS):
        for name, (server, bodies) in ways.items():
            before = processor_seconds(server.pid)
            delays = sorted(asyncio.run(ask(server.port, bodies, count=CALLS)))
            used = (processor_seconds(server.pid) - before) / CALLS
            found = (used, delays[CALLS // 2])
            best[name] = min(best.get(name, found), found)
    return best


def show(results: dict[str, tuple[float, float]]) -> None:
    """Print a line for each way, with its ratios to the baselines."""
    echo, framework, one_part, *_ = (seconds for seconds, _ in results.values())
    print(f"{'10,000 items, 20 out':36}CPU a call     p50 of echo of framework of one part")
    for name, (seconds, delay) in results.items():
        print(
            f"  {name:34}{seconds * 1e6:>7,.0f} µs{delay * 1e3:>6.2f} ms{seconds / echo:>8.1f}"
            f"{seconds / framework:>13.2f}{seconds / one_part:>12.2f}"
        )


class Server:
    """A process and its port."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port


@contextmanager
def serving(command: list[str]) -> Iterator[Server]:
    """Run a process on the first core; this one, which asks, keeps to the others."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        env=os.environ | {"SHELFWISE_MANAGEMENT_PORT": "0", "SHELFWISE_PROCESS": "inference"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process.pid, cores[:1])
    os.sched_setaffinity(0, cores[1:] or cores)
    try:
        while not is_up(port):
            time.sleep(0.1)
        yield Server(process.pid, port)
    finally:
        os.sched_setaffinity(0, cores)
        process.terminate()
        process.wait()


def is_up(port: int) -> bool:
    """Say whether anything listens."""

    async def connect() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return asyncio.run(connect())


def requests(key: str, **more: Any) -> list[bytes]:
    """Return the bytes of a request for each shopper."""
    return [request(key, user_id=f"user-{number}", **more) for number in range(SHOPPERS)]


def request(key: str, **members: Any) -> bytes:
    """Return the bytes of a request."""
    body = orjson.dumps({"limit": LIMIT, **members})
    head = (
        "POST /v1/recommend/for-user HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def wait_for_model(server: Server, key: str) -> None:
    """Ask until the store's model answers."""
    while orjson.loads(ask_once(server, key)).get("strategy") != "personal":
        time.sleep(0.2)


def ask_once(server: Server, key: str) -> bytes:
    """Return the body of one answer, whatever it says."""

    async def call() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request(key, user_id="user-1"))
        _, body = await read_answer(reader)
        writer.close()
        return body

    return asyncio.run(call())


async def ask(port: int, bodies: Sequence[bytes], *, count: int) -> list[float]:
    """Make so many calls over a few connections, and return their delays."""
    waiting = iter(list(islice(cycle(bodies), count)))
    delays: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in waiting:
            began = time.perf_counter()
            writer.write(body)
            head, answer = await read_answer(reader)
            delays.append(time.perf_counter() - began)
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"Not answered: {head!r} {answer!r}")
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return delays


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return head and body of an answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length)


if __name__ == "__main__":
    main()
