"""Lets the processes count a page's calls together, through Redis, without waiting for it.

Each process decides by its own count. What it counts it tells Redis in the write that asks for the
shopper's last seconds, and it learns from the reply what the others have counted by then.
"""

from __future__ import annotations

import asyncio
import time

import hiredis

from api.inference.redis_pipe import RedisPipe
from saas.lib.rate_limit import RateLimit, network_of

# After a failure nobody is told for this long; each process counts for itself then.
REST_SECONDS = 1.0
# The rate's algorithm by Redis' clock: milliseconds until the calls so far are worked off.
_TAKE = """
local at = redis.call('TIME')
local now = at[1] * 1000 + math.floor(at[2] / 1000)
local done = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.0f', done), 'PX', string.format('%.0f', done - now))
return string.format('%.0f', done - now)
"""


class PageRates:
    """Counts of all processes, by environment and address."""

    def __init__(self, redis: RedisPipe, rate: RateLimit) -> None:
        self._redis = redis
        self._rate = rate
        self._rests_until = 0.0
        # The event loop itself holds tasks only weakly.
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, environment_id: int, address: str) -> None:
        """Tell of a call that was let through, and learn of the others' soon."""
        if time.monotonic() < self._rests_until:
            return
        task = asyncio.get_running_loop().create_task(self.learn(environment_id, address))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def learn(self, environment_id: int, address: str) -> None:
        """Count a call in Redis and take over what all have counted."""
        network = network_of(address)
        milliseconds_each = round(self._rate.seconds_each * 1000)
        key = f"sw:{environment_id}:page:{network}"
        try:
            [busy_ms] = await self._redis.ask([("EVAL", _TAKE, 1, key, milliseconds_each)])
        except (hiredis.ReplyError, OSError, TimeoutError):
            self._rests_until = time.monotonic() + REST_SECONDS
            return
        self._rate.learn((environment_id, network), busy_seconds=int(busy_ms) / 1000)
