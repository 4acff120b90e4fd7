"""A bare ASGI callable that answers the bytes of the file in BENCH_ANSWER."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_ANSWER = Path(os.environ["BENCH_ANSWER"]).read_bytes()
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_ANSWER)).encode()),
]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Read the body and answer."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _ANSWER})
