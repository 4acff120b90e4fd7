"""Knows a call that comes again under its Idempotency-Key, which is charged once.

It is answered anew, since recommendations change; only its price does not come twice. Processes
know each other's calls through Redis; without it each knows its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from hashlib import blake2b

import hiredis

from api.inference.redis_pipe import Command, RedisPipe
from saas.lib.errors import InvalidParameter

KEPT_SECONDS = 86_400
# A digest each: of a store in Redis, and of all stores in a process. The oldest are forgotten.
MOST_OF_STORE, MOST_OF_PROCESS = 50_000, 20_000
MOST_KEY_BYTES = 255
# After a failure Redis is not asked for this long.
REST_SECONDS = 1.0


def mark_of(key: bytes, *, operation: str, body: bytes) -> bytes:
    """Return what a repeat has in common with its first: the key and the whole request.

    Raises
    ------
    InvalidParameter
        The key is empty or too long.
    """
    if not 1 <= len(key) <= MOST_KEY_BYTES:
        raise InvalidParameter(
            f"Idempotency-Key has {len(key)} characters; send 1 to {MOST_KEY_BYTES}.",
            pointer="#Idempotency-Key",
        )
    return blake2b(b"\0".join((key, operation.encode(), body)), digest_size=16).digest()


class Repeats:
    """The marks of a day."""

    def __init__(self, redis: RedisPipe, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._rests_until = 0.0
        # Until when each is known, the oldest first.
        self._own: dict[tuple[int, bytes], float] = {}
        # The event loop itself holds tasks only weakly.
        self._forgetting: set[asyncio.Task[None]] = set()

    async def is_first(self, environment_id: int, mark: bytes) -> bool:
        """Say whether this is to be charged, and remember that it was."""
        now = self._clock()
        if self._own.get((environment_id, mark), 0.0) > now:
            return False
        key = _key(environment_id)
        asked: list[Command] = [
            ("ZREMRANGEBYSCORE", key, "-inf", int(now - KEPT_SECONDS)),
            ("ZADD", key, "NX", int(now), mark),
            ("ZREMRANGEBYRANK", key, 0, -MOST_OF_STORE - 1),
            ("EXPIRE", key, KEPT_SECONDS),
        ]
        if replies := await self._asked(asked):
            is_first = replies[1] == 1
        else:
            # Another call of this process may have been quicker.
            is_first = self._own.get((environment_id, mark), 0.0) <= now
        if is_first:
            self._note(environment_id, mark, now)
        return is_first

    def forget(self, environment_id: int, mark: bytes) -> None:
        """Have the next one charged: this one was not answered with anything to pay for."""
        self._own.pop((environment_id, mark), None)
        asked: list[Command] = [("ZREM", _key(environment_id), mark)]
        task = asyncio.get_running_loop().create_task(self._forget(asked))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    async def _forget(self, asked: list[Command]) -> None:
        await self._asked(asked)

    async def _asked(self, commands: list[Command]) -> list[int] | None:
        if self._clock() < self._rests_until:
            return None
        try:
            return await self._redis.ask(commands)
        except (hiredis.ReplyError, OSError, TimeoutError):
            self._rests_until = self._clock() + REST_SECONDS
            return None

    def _note(self, environment_id: int, mark: bytes, now: float) -> None:
        if len(self._own) >= MOST_OF_PROCESS:
            del self._own[next(iter(self._own))]
        self._own[environment_id, mark] = now + KEPT_SECONDS


def _key(environment_id: int) -> str:
    return f"sw:{environment_id}:charged"
