"""Sends an ASGI answer: JSON or a problem, always with the request id, CORS for pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson

from saas.lib.errors import InternalError, ShelfwiseError
from saas.lib.problems import CONTENT_TYPE, problem

Send = Callable[[Any], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

# A day, which is the most that browsers remember.
_PREFLIGHT_SECONDS = b"86400"
_EXPOSED = b"X-Request-Id, Retry-After, RateLimit, RateLimit-Policy"


def our_fault() -> InternalError:
    """Return the one thing that a caller learns of our faults."""
    return InternalError(
        "Something went wrong on our side; send the request id to support if it stays so."
    )


async def send_json(
    send: Send, *, status: int, body: bytes, request_id: str, headers: Headers = ()
) -> None:
    """Send a JSON answer."""
    await _send(send, status, b"application/json", body, request_id, headers)


async def send_problem(
    send: Send, error: ShelfwiseError, *, request_id: str, headers: Headers = ()
) -> None:
    """Send an error as `application/problem+json` (RFC 9457)."""
    body = orjson.dumps(problem(error, instance=request_id))
    own = [*header_pairs(error.headers), *headers]
    await _send(send, error.status, CONTENT_TYPE.encode(), body, request_id, own)


async def send_preflight(send: Send, *, origin: bytes, request_id: str) -> None:
    """Tell a browser what a page may send; which page may is decided with the key."""
    headers = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"Authorization, Content-Type, X-Request-Id"),
        (b"access-control-max-age", _PREFLIGHT_SECONDS),
        (b"vary", b"Origin"),
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def page_headers(origin: bytes | None) -> Headers:
    """Return the headers that let a page of that origin read the answer."""
    if origin is None:
        return ()
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
        (b"vary", b"Origin"),
    )


def header_pairs(headers: Mapping[str, str]) -> Headers:
    """Return headers as ASGI wants them."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


async def _send(
    send: Send,
    status: int,
    content_type: bytes,
    body: bytes,
    request_id: str,
    headers: Headers,
) -> None:
    own = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
