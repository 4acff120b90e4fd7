"""How often a store's servers may call by its plan: one rate for all processes together.

A process gets calls in blocks from a counter in Redis, which runs the generic cell rate algorithm,
and answers from its block without asking. Calls are counted before they are made, so that all
processes together keep to the rate; a block lives for a quarter of a second, so that a burst can
be larger by what such blocks hold, never the flow. Near the limit blocks are single calls. Without
Redis each process keeps the rate by itself.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from saas.lib.rate_limit import MOST_CALLERS, Allowance, RateLimit, told
from saas.lib.redis_client import redis_client

BLOCK_SECONDS = 0.25
# After a failure Redis is not asked for this long.
REST_SECONDS = 1.0

# By Redis' own clock, in microseconds: when all calls so far are worked off. What a block did not
# use comes back first; a fourth of what is free is given at most.
_TAKE = """
local at = redis.call('TIME')
local now = at[1] * 1000000 + at[2]
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local done = tonumber(redis.call('GET', KEYS[1]) or 0) - ARGV[4] * each
done = math.max(now, done)
local room = math.max(0, math.floor(burst - (done - now) / each + 0.000001))
local granted = math.min(tonumber(ARGV[3]), room, math.max(1, math.floor(room / 4)))
done = done + granted * each
redis.call('SET', KEYS[1], string.format('%.0f', done), 'PX', math.ceil((done - now) / 1000) + 1)
return {granted, room - granted, string.format('%.0f', done - now)}
"""


class PlanRate(NamedTuple):
    """What a plan allows."""

    per_second: int
    burst: int


@dataclass(slots=True)
class _Block:
    """What a process may still do of what it was granted."""

    left: int = 0
    ends: float = 0.0
    # What was asked for, and made since.
    size: int = 1
    calls: int = 0
    # As of the last answer of the counter.
    room: int = 0
    full_at: float = 0.0
    refused_until: float = 0.0


class PlanRates:
    """The blocks of one process; `service` names what is counted together."""

    def __init__(self, service: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._blocks: dict[str, _Block] = {}
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def call(self, tenant_id: str, rate: PlanRate) -> Allowance:
        """Count a call, asking the counter where that is needed."""
        allowance = self.take(tenant_id, rate)
        if allowance is not None:
            return allowance
        client: Any = redis_client()
        try:
            reply = client.execute_command(*self.question(tenant_id, rate))
        except RedisError:
            return self.take_alone(tenant_id, rate)
        return self.learn(tenant_id, rate, reply)

    def take(self, tenant_id: str, rate: PlanRate) -> Allowance | None:
        """Count a call; None where the counter has to be asked first."""
        with self._lock:
            now = self._clock()
            block = self._blocks.get(tenant_id)
            if block is not None and block.left and now < block.ends:
                block.left -= 1
                block.calls += 1
                return _allowed(block, now)
            if now < self._rests_until:
                return _rate_alone(rate).take(tenant_id)
            if block is not None and now < block.refused_until:
                return Allowance(0, block.full_at - now, block.refused_until - now)
            return None

    def question(self, tenant_id: str, rate: PlanRate) -> tuple[str | int, ...]:
        """Return the command that asks the counter for another block."""
        with self._lock:
            if len(self._blocks) >= MOST_CALLERS:
                self._blocks.clear()
            block = self._blocks.setdefault(tenant_id, _Block())
            # Twice as much where it did not last, else what was needed.
            lasted = self._clock() >= block.ends
            block.size = max(1, block.calls) if lasted else 2 * block.size
            wanted, unused = block.size, block.left
            block.calls = block.left = 0
        key = f"sw:tenant:{tenant_id}:rate:{self._service}"
        return ("EVAL", _TAKE, 1, key, 1_000_000 // rate.per_second, rate.burst, wanted, unused)

    def learn(self, tenant_id: str, rate: PlanRate, reply: list[bytes | int]) -> Allowance:
        """Take in the counter's answer, and count the call that asked."""
        granted, room, busy = (int(each) for each in reply)
        with self._lock:
            now = self._clock()
            block = self._blocks.setdefault(tenant_id, _Block())
            block.room, block.full_at = room, now + busy / 1e6
            if granted:
                block.left += granted - 1
                block.calls += 1
                block.ends = now + BLOCK_SECONDS
                return _allowed(block, now)
            wait = busy / 1e6 - (rate.burst - 1) / rate.per_second
            block.refused_until = now + max(wait, 0.0)
            return Allowance(0, busy / 1e6, max(wait, 0.001))

    def take_alone(self, tenant_id: str, rate: PlanRate) -> Allowance:
        """Count a call without the counter, which does not answer, for this process alone."""
        self._rests_until = self._clock() + REST_SECONDS
        return _rate_alone(rate).take(tenant_id)


def rate_headers(allowance: Allowance, rate: PlanRate) -> dict[str, str]:
    """Return the headers that tell a server what is left.

    Raises
    ------
    RateLimited
        The store has called too often.
    """
    return told(
        allowance,
        policy=f"q={rate.burst};w={math.ceil(rate.burst / rate.per_second)}",
        name="plan",
        refusal=lambda seconds: (
            f"Your plan allows {rate.per_second} calls a second, {rate.burst} at once; "
            f"go on in {seconds} s, or change to a larger plan."
        ),
    )


_API_RATES = PlanRates("api")


def take_plan_call(tenant_id: str, *, per_second: int, burst: int) -> dict[str, str]:
    """Count a server's call of the API and return the headers that tell it what is left.

    Recommendation calls have a counter of their own, so that an import does not stop them.

    Parameters
    ----------
    tenant_id
        Whose secret key it was.
    per_second, burst
        What the store's plan allows.

    Raises
    ------
    RateLimited
        The store has called too often.
    """
    rate = PlanRate(per_second, burst)
    return rate_headers(_API_RATES.call(tenant_id, rate), rate)


def _allowed(block: _Block, now: float) -> Allowance:
    return Allowance(block.room + block.left, max(0.0, block.full_at - now), None)


@cache
def _rate_alone(rate: PlanRate) -> RateLimit:
    return RateLimit(per_second=rate.per_second, burst=rate.burst)
