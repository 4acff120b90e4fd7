"""Runs an ASGI application inside a test as a server would, lifespan included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx


@asynccontextmanager
async def running(application: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Send the lifespan as a server does, and give a client."""
    to_application: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_application: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    life = asyncio.create_task(
        application({"type": "lifespan"}, to_application.get, from_application.put)
    )
    await to_application.put({"type": "lifespan.startup"})
    assert (await from_application.get())["type"] == "lifespan.startup.complete"
    transport = httpx.ASGITransport(application, client=("127.0.0.1", 1))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client
    finally:
        await to_application.put({"type": "lifespan.shutdown"})
        assert (await from_application.get())["type"] == "lifespan.shutdown.complete"
        await life
