"""Whose call is scored next: one at a time, stores in turn, and no queue grows without end.

Scoring holds the event loop. Without turns a store that sends a hundred calls at once has them all
scored before the next call of any other; with them the other waits for one.
"""

from __future__ import annotations

import asyncio
from collections import deque

from saas.lib.errors import Overloaded

# About 30 ms of scoring for a store of 10,000 items.
MOST_OF_A_STORE = 64
MOST_IN_ALL = 512
RETRY_AFTER_SECONDS = "1"
# Between two turns the event loop goes round so often without one: a call that has just come gets
# as far as asking for its shopper, instead of waiting for a turn of others at each step.
_ROUNDS_BETWEEN = 2


class Turns:
    """Lets one call go at a time, the stores one after the other."""

    def __init__(self) -> None:
        self._is_taken = False
        # Stores that wait, the longest first; one that has had its turn goes to the end.
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}
        self._in_all = 0

    async def wait(self, environment_id: int) -> None:
        """Wait for a turn, which ends with the next await.

        Raises
        ------
        Overloaded
            Too many calls of the store, or of all, are waiting already.
        """
        if not self._is_taken:
            self._is_taken = True
            self._begin()
            return
        waiting = self._waiting.get(environment_id, ())
        if len(waiting) >= MOST_OF_A_STORE or self._in_all >= MOST_IN_ALL:
            whose = "your store's" if len(waiting) >= MOST_OF_A_STORE else "other"
            raise Overloaded(
                f"Too many of {whose} calls are waiting here; send this one again in a moment.",
                headers={"Retry-After": RETRY_AFTER_SECONDS},
            )
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(environment_id, deque()).append(turn)
        self._in_all += 1
        await turn

    def _next(self) -> None:
        while self._waiting:
            environment_id, waiting = next(iter(self._waiting.items()))
            del self._waiting[environment_id]
            turn = waiting.popleft()
            self._in_all -= 1
            if waiting:
                self._waiting[environment_id] = waiting
            # Whoever was cancelled has no use for it.
            if not turn.done():
                turn.set_result(None)
                self._begin()
                return
        self._is_taken = False

    def _begin(self) -> None:
        """Let the turn last as long as the event loop is held."""
        self._rest(_ROUNDS_BETWEEN)

    def _rest(self, rounds: int) -> None:
        if rounds and self._waiting:
            asyncio.get_running_loop().call_soon(self._rest, rounds - 1)
        else:
            asyncio.get_running_loop().call_soon(self._next)
