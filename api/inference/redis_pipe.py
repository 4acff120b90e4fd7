"""One connection to Redis for all calls of an event loop, which asks for many at once.

redis-py's pipeline costs more CPU than ranking a small catalogue. This sends what all callers of
one turn of the loop ask in one write, and hands the replies back in their order.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import hiredis
from redis.asyncio.connection import parse_url
from typing_extensions import override

Command = tuple[str | bytes | int, ...]


class RedisPipe:
    """The connection; made by the first question, made anew by the first after a loss."""

    def __init__(self, url: str, *, patience: float) -> None:
        """Ask the server at a URL, and wait for each reply so many seconds at most."""
        self._place: dict[str, Any] = dict(parse_url(url))
        self._patience = patience
        self._connection: _Connection | None = None
        self._connecting: asyncio.Task[_Connection] | None = None

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Return a reply for each command: bytes, int, None, or a list of them.

        Raises
        ------
        OSError
            Redis cannot be reached, or the connection was lost.
        TimeoutError
            There was no connection, or no reply, in time.
        hiredis.ReplyError
            Redis refuses one of the commands.
        """
        connection = self._connection
        if connection is None or connection.is_lost:
            async with asyncio.timeout(self._patience):
                connection = await self._connected()
        return await connection.ask(commands)

    def drop(self) -> None:
        """Give the connection up, with what is asked on it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _connected(self) -> _Connection:
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._note)
        # One caller's patience may end; the others still wait for the same connection.
        return await asyncio.shield(self._connecting)

    def _note(self, task: asyncio.Task[_Connection]) -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._connection = task.result()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        place = self._place
        make = partial(_Connection, self._patience)
        if "path" in place:
            _, connection = await loop.create_unix_connection(make, place["path"])
        else:
            _, connection = await loop.create_connection(
                make,
                place.get("host", "localhost"),
                place.get("port", 6379),
                ssl=ssl.create_default_context() if "connection_class" in place else None,
            )
        password = place.get("password")
        greeting: list[Command] = []
        if password is not None:
            greeting.append(("AUTH", place.get("username", "default"), password))
        greeting.append(("SELECT", place.get("db", 0)))
        try:
            await connection.ask(greeting)
        except BaseException:
            connection.close()
            raise
        return connection


class _Question:
    """Commands that were sent, and the replies that came so far."""

    __slots__ = ("answer", "deadline", "missing", "replies")

    def __init__(self, answer: asyncio.Future[list[Any]], *, missing: int, deadline: float) -> None:
        self.answer = answer
        self.missing = missing
        self.deadline = deadline
        self.replies: list[Any] = []

    def take(self, reply: Any) -> bool:
        """Take the next reply and say whether it was the last."""
        self.replies.append(reply)
        self.missing -= 1
        if self.missing:
            return False
        # A caller whose patience ended is gone.
        if not self.answer.done():
            refusals = [each for each in self.replies if isinstance(each, hiredis.ReplyError)]
            if refusals:
                self.answer.set_exception(refusals[0])
            else:
                self.answer.set_result(self.replies)
        return True


class _Connection(asyncio.Protocol):
    """Watched by one timer for all questions: one for each would cost as much as the asking."""

    def __init__(self, patience: float) -> None:
        self.is_lost = False
        self._patience = patience
        self._is_watched = False
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._questions: deque[_Question] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        if self.is_lost:
            raise ConnectionError("The connection to Redis is lost.")
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        deadline = self._loop.time() + self._patience
        self._questions.append(_Question(answer, missing=len(commands), deadline=deadline))
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_at(deadline, self._watch)
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent += [hiredis.pack_command(command) for command in commands]  # type: ignore[arg-type]  # its stub forgets the dots
        return await answer

    def close(self) -> None:
        self.is_lost = True
        if self._transport is not None:
            self._transport.abort()

    def _watch(self) -> None:
        self._is_watched = bool(self._questions) and not self.is_lost
        if not self._is_watched:
            return
        if self._questions[0].deadline <= self._loop.time():
            self._fail(TimeoutError("Redis does not answer."))
            self.close()
        else:
            self._loop.call_at(self._questions[0].deadline, self._watch)

    def _send(self) -> None:
        if self._transport is not None and not self.is_lost:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            if self._questions[0].take(reply):
                self._questions.popleft()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._fail(exc or ConnectionError("Redis hung up."))

    def _fail(self, error: Exception) -> None:
        for question in self._questions:
            if not question.answer.done():
                question.answer.set_exception(error)
        self._questions.clear()
