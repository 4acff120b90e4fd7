"""Measures the round trip for a shopper's recent events beside redis-py's asyncio pipeline.

CPU of this process alone, in one run, with one call and with sixteen calls under way; the ratio is
the result. Run: python deploy/benchmarks/bench_recent_events.py
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import redis
import uvloop
from redis.asyncio import Redis

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from api.inference.redis_pipe import RedisPipe  # noqa: E402
from saas.embedded.valkey import EmbeddedValkey  # noqa: E402
from saas.lib.recent_events import RecentEvent, pack  # noqa: E402

CALLS = 16_000
RECENT_EVENTS = 20

Ask = Callable[[], Awaitable[Any]]


def main() -> None:
    """Ask a server of its own both ways and print both costs."""
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-bench-"))
    folder.chmod(0o755)
    try:
        with EmbeddedValkey(folder=folder / "valkey") as valkey:
            valkey.start()
            with redis.Redis.from_url(valkey.socket_url) as client:
                client.hset("watermark", mapping={"epoch": "e", "n": "1"})
                for number in range(RECENT_EVENTS):
                    client.lpush("events", pack(RecentEvent(f"item-{number}", "view", number)))
            uvloop.run(compare(valkey.socket_url))
    finally:
        shutil.rmtree(folder)


async def compare(redis_url: str) -> None:
    """Print the CPU of one call for each client and number of calls under way."""
    pipe, client = RedisPipe(redis_url, patience=1), Redis.from_url(redis_url)

    async def by_pipe() -> Any:
        return await pipe.ask([("HMGET", "watermark", "epoch", "n"), ("LRANGE", "events", 0, -1)])

    async def by_redis_py() -> Any:
        pipeline = client.pipeline(transaction=False)
        pipeline.hmget("watermark", "epoch", "n")
        pipeline.lrange("events", 0, -1)
        return await pipeline.execute()

    for under_way in (1, 16):
        own = await cpu_microseconds(by_pipe, under_way)
        library = await cpu_microseconds(by_redis_py, under_way)
        print(
            f"{under_way:2} under way: one connection {own:6.1f} µs of CPU a call, "
            f"redis-py {library:6.1f} µs: {library / own:.1f} times"
        )
    pipe.drop()
    await client.aclose()


async def cpu_microseconds(ask: Ask, under_way: int) -> float:
    """Return the CPU that one call costs this process, the best of five rounds."""

    async def many() -> None:
        for _ in range(CALLS // under_way):
            await ask()

    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        await asyncio.gather(*(many() for _ in range(under_way)))
        best = min(best, time.process_time() - started)
    return best / CALLS * 1e6


if __name__ == "__main__":
    main()
