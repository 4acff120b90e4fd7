"""Measures POST /v1/events with 100 events over HTTP beside the same call written plainly."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice

import orjson
import psycopg

from deploy.benchmarks.ingestion_store import (
    family_seconds,
    fill_store,
    make_store,
    parent,
    processor_seconds,
    views,
)
from saas.embedded.ports import free_port
from saas.lib.redis_client import redis_client

BASELINE = "deploy.benchmarks.baseline_events:application"
SECONDS = 6
# One for each core, as in production; both share the two with everything else.
PROCESSES = 2
CONNECTIONS = 8
EVENTS = 100
WARM_UP = 100
# More than a second takes, so that no body is sent twice.
MOST_A_SECOND = 700


def main() -> None:
    """Find each endpoint's most requests a second, then the real one's delays at 70 % of them."""
    live, key = make_store()
    fill_store(live)
    ways = {
        "ModelSerializer, bulk_create": ["-m", "uvicorn", BASELINE],
        "POST /v1/events": ["-m", "saas.web"],
    }
    print(
        f"100 events a request, {PROCESSES} web processes"
        "     requests/s     p50       p99   CPU a request: web, PostgreSQL, Valkey, client"
    )
    rates = []
    for name, command in ways.items():
        with serving(command) as web:
            bodies = iter([request(key) for _ in range(WARM_UP + 2 * SECONDS * MOST_A_SECOND)])
            asyncio.run(measure(web, bodies, count=WARM_UP))
            rate = show(name, web, bodies)
            rates.append(rate)
            if command[-1] == "saas.web":
                show("  at 70 % of that", web, bodies, rate=0.7 * rate)
    print(f"  {rates[1] / rates[0]:.1f} times the baseline, {rates[1] * EVENTS:,.0f} events/s\n")


def show(
    name: str, web: Mapping[int, int], bodies: Iterator[bytes], *, rate: float | None = None
) -> float:
    """Measure, print, and return the requests of a second."""
    busy, began = processor_shares(web), time.perf_counter()
    delays = sorted(asyncio.run(measure(web, bodies, rate=rate)))
    seconds = time.perf_counter() - began
    used = [after - before for after, before in zip(processor_shares(web), busy, strict=True)]
    middle, late = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    shares = " + ".join(f"{each / len(delays) * 1e3:.2f}" for each in used)
    print(
        f"  {name:40}{len(delays) / seconds:>10,.0f}{middle * 1e3:>8.1f} ms{late * 1e3:>7.1f} ms"
        f"   {shares} = {sum(used) / len(delays) * 1e3:.2f} ms"
    )
    return len(delays) / seconds


def processor_shares(web: Mapping[int, int]) -> list[float]:
    """Return the processor time used by the web processes, PostgreSQL, Valkey and this one."""
    valkey = redis_client().info("cpu")
    return [
        sum(map(processor_seconds, web.values())),
        family_seconds(postgres_server()),
        valkey["used_cpu_sys"] + valkey["used_cpu_user"],
        time.process_time(),
    ]


def postgres_server() -> int:
    """Return the server's first process, the parent of whoever serves us."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return parent(connection.info.backend_pid)


async def measure(
    web: Mapping[int, int],
    bodies: Iterator[bytes],
    *,
    rate: float | None = None,
    count: int | None = None,
) -> list[float]:
    """Return the delay of each request: as fast as they are answered, or at a fixed rate.

    At a rate a delay counts from when the request was due, so that a stall delays all behind it.
    Connections take turns at the web processes, as behind a proxy.
    """
    total = count or (int(rate * SECONDS) if rate else SECONDS * MOST_A_SECOND)
    began = time.perf_counter()
    delays: list[float] = []
    numbers = iter(range(total))

    async def client(port: int) -> None:
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

    connections = CONNECTIONS if not rate else 2 * CONNECTIONS
    await asyncio.gather(*(client(port) for port in islice(cycle(web), connections)))
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
def serving(command: list[str]) -> Iterator[Mapping[int, int]]:
    """Run web processes and yield their ids by their ports."""
    with ExitStack() as running:
        yield dict(running.enter_context(one_serving(command)) for _ in range(PROCESSES))


@contextmanager
def one_serving(command: list[str]) -> Iterator[tuple[int, int]]:
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
