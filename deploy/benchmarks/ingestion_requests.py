"""Measures POST /v1/events with 100 events over HTTP beside the same call written plainly."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from deploy.benchmarks.ingestion_store import make_store, processor_seconds, views
from saas.embedded.ports import free_port

BASELINE = "deploy.benchmarks.baseline_events:application"
SECONDS = 6
CONNECTIONS = 8
EVENTS = 100
WARM_UP = 40
# More than a second takes, so that no body is sent twice.
MOST_A_SECOND = 700


def main() -> None:
    """Find each endpoint's most requests a second, then the real one's delays at 70 % of them."""
    _, key = make_store()
    ways = {
        "ModelSerializer, bulk_create": [
            "-m",
            "uvicorn",
            "deploy.benchmarks.baseline_events:application",
        ],
        "POST /v1/events": ["-m", "saas.web"],
    }
    print(
        "100 events a request, one process         requests/s     p50       p99   its CPU/request"
    )
    rates = []
    for name, command in ways.items():
        with serving(command) as (port, pid):
            bodies = iter([request(key) for _ in range(WARM_UP + SECONDS * MOST_A_SECOND)])
            asyncio.run(measure(port, bodies, count=WARM_UP))
            rate = show(name, port, bodies, pid=pid)
            rates.append(rate)
            if command[-1] == "saas.web":
                show("  at 70 % of that", port, bodies, pid=pid, rate=0.7 * rate)
    print(f"  {rates[1] / rates[0]:.1f} times the baseline, {rates[1] * EVENTS:,.0f} events/s\n")


def show(
    name: str, port: int, bodies: Iterator[bytes], *, pid: int, rate: float | None = None
) -> float:
    """Measure, print, and return the requests of a second."""
    busy, began = processor_seconds(pid), time.perf_counter()
    delays = sorted(asyncio.run(measure(port, bodies, rate=rate)))
    seconds, busy = time.perf_counter() - began, processor_seconds(pid) - busy
    middle, late = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    print(
        f"  {name:40}{len(delays) / seconds:>10,.0f}{middle * 1e3:>8.1f} ms{late * 1e3:>7.1f} ms"
        f"{busy / len(delays) * 1e3:>10.1f} ms"
    )
    return len(delays) / seconds


async def measure(
    port: int, bodies: Iterator[bytes], *, rate: float | None = None, count: int | None = None
) -> list[float]:
    """Return the delay of each request: as fast as they are answered, or at a fixed rate.

    At a rate a delay counts from when the request was due, so that a stall delays all behind it.
    """
    total = count or (int(rate * SECONDS) if rate else SECONDS * MOST_A_SECOND)
    began = time.perf_counter()
    delays: list[float] = []
    numbers = iter(range(total))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            due = began + number / rate if rate else time.perf_counter()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if not rate and not count and due - began > SECONDS:
                break
            writer.write(next(bodies))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answer = orjson.loads(await reader.readexactly(length))
            if answer.get("accepted") != EVENTS:
                raise SystemExit(f"Not accepted: {head!r} {answer}")
            delays.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS if not rate else 4 * CONNECTIONS)))
    return delays


def request(key: str) -> bytes:
    """Return the bytes of a request with events of its own."""
    body = orjson.dumps({"events": views(EVENTS)})
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def serving(command: list[str]) -> Iterator[tuple[int, int]]:
    """Run a web process and yield its port and id."""
    port = free_port()
    option = "--ports" if command[-1] == "saas.web" else "--port"
    quiet = [] if command[-1] == "saas.web" else ["--no-access-log"]
    process = subprocess.Popen(
        [sys.executable, *command, option, str(port), *quiet],
        env=os.environ | {"SHELFWISE_MANAGEMENT_PORT": "0", "SHELFWISE_PROCESS": "web"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not answers(port):
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    """Say whether anything answers on the port, be it an error."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/me", timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
