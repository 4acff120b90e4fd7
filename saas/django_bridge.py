"""Runs Django for a request of the event loop: one way into a thread and one way back.

a2wsgi, by which it reads requests, crosses between loop and thread for each part of an answer, and
under load each crossing waits for the interpreter's lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any

from a2wsgi.wsgi import Body, build_environ
from django.core.handlers.wsgi import WSGIHandler
from django.http.response import HttpResponseBase

# For whoever sends more than is read: then the connection is closed on them.
_LINGER_SECONDS = 5.0
_LINGER_BYTES = 32 * 1024 * 1024

Message = dict[str, Any]


class DjangoBridge:
    """Django's WSGI application with the threads it runs in."""

    def __init__(self, application: WSGIHandler, *, threads: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="django")

    async def __call__(
        self, scope: Any, receive: Any, send: Any, *, received: Sequence[Message]
    ) -> None:
        """Answer a request of which these messages were received already."""
        loop = asyncio.get_running_loop()
        body = _body(received, receive, loop)
        head, answer = await loop.run_in_executor(
            self._threads, self._answer, build_environ(scope, body)
        )
        is_early = isinstance(body, Body) and body.has_more
        if is_early:
            head["headers"].append((b"connection", b"close"))
        await send(head)
        if isinstance(answer, bytes):
            await send({"type": "http.response.body", "body": answer, "more_body": is_early})
            if is_early:
                await _linger(receive)
                await send({"type": "http.response.body"})
            return
        try:
            pieces = iter(answer)
            while piece := await loop.run_in_executor(self._threads, next, pieces, b""):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            await loop.run_in_executor(self._threads, answer.close)

    def _answer(self, environ: Any) -> tuple[Message, bytes | HttpResponseBase]:
        head: Message = {"type": "http.response.start"}

        def start(status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None) -> Any:
            head["status"] = int(status[:3])
            head["headers"] = [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
            ]

        response = self._application(environ, start)
        if response.streaming:
            return head, response
        try:
            return head, b"".join(response)
        finally:
            response.close()

    def shutdown(self) -> None:
        """Wait for the requests under way."""
        self._threads.shutdown()


async def _linger(receive: Any) -> None:
    """Let a client that sends before it reads come to the answer (nginx' lingering close)."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while size < _LINGER_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _body(received: Sequence[Message], receive: Any, loop: asyncio.AbstractEventLoop) -> Any:
    """Return a file of the body; one that is not whole yet crosses to the loop for the rest."""
    if received and not received[-1].get("more_body", False):
        return BytesIO(b"".join([message.get("body", b"") for message in received]))
    waiting = iter(received)

    async def replay() -> Any:
        message = next(waiting, None)
        return await receive() if message is None else message

    return Body(loop, replay)
