"""Runs the servers that the serving benchmarks compare, and asks them."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from deploy.benchmarks.ingestion_store import processor_seconds
from deploy.benchmarks.serving_store import SHOPPERS
from saas.embedded.ports import free_port

LIMIT = 20
UVICORN = ["-m", "uvicorn", "--lifespan", "off", "--no-access-log"]
ECHO = [*UVICORN, "deploy.benchmarks.baseline_echo:application"]
FRAMEWORK = [*UVICORN, "deploy.benchmarks.baseline_serving:application"]
FLASK = [*UVICORN, "deploy.benchmarks.baseline_flask:application"]
OURS = ["-m", "api.inference"]
CONNECTIONS = 4
_OPEN_LOOP_CONNECTIONS = 64
_OPEN_LOOP = Path(__file__).with_name("open_loop.c")


class Server(NamedTuple):
    """A process and its port."""

    pid: int
    port: int


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


@contextmanager
def echoing(answer: bytes) -> Iterator[Server]:
    """Run the bare echo of an answer."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(answer)
        file.flush()
        os.environ["BENCH_ANSWER"] = file.name
        with serving(ECHO) as echo:
            yield echo


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
        _, body = await _read_answer(reader)
        writer.close()
        return body

    return asyncio.run(call())


def ask(server: Server, bodies: Sequence[bytes], *, count: int) -> tuple[float, float]:
    """Make so many calls over a few connections; return CPU seconds of each, and their median."""
    before = processor_seconds(server.pid)
    delays = sorted(asyncio.run(_delays(server.port, bodies, count=count)))
    return (processor_seconds(server.pid) - before) / count, delays[count // 2]


def open_loop(
    server: Server, bodies: Sequence[bytes], *, rate: float, seconds: float
) -> NDArray[np.float64]:
    """Make calls at times fixed ahead; return each one's microseconds, -1 where it failed."""
    arguments = (server.port, rate, seconds, _OPEN_LOOP_CONNECTIONS)
    done = subprocess.run(
        [_generator(), *map(str, arguments)],
        input=b"".join(struct.pack("<I", len(body)) + body for body in bodies),
        stdout=subprocess.PIPE,
        check=True,
    )
    return np.frombuffer(done.stdout)


@cache
def _generator() -> str:
    program = str(Path(tempfile.mkdtemp(prefix="open-loop-")) / "open_loop")
    subprocess.run(["cc", "-O2", "-o", program, str(_OPEN_LOOP), "-lm"], check=True)
    return program


async def _delays(port: int, bodies: Sequence[bytes], *, count: int) -> list[float]:
    waiting = iter(list(islice(cycle(bodies), count)))
    delays: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in waiting:
            began = time.perf_counter()
            writer.write(body)
            head, answer = await _read_answer(reader)
            delays.append(time.perf_counter() - began)
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"Not answered: {head!r} {answer!r}")
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return delays


async def _read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return head and body of an answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length)
