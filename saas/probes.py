"""Answers /healthz and /readyz on the public port: for the whole, and without details."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any

import orjson

from saas.lib.management_server import Check, run_checks, without_details

PATHS = frozenset({"/healthz", "/readyz"})
# Anybody may ask, and each look opens connections.
KEPT_SECONDS = 1.0


class Probes:
    """The two probes; what is wrong in detail is told on the management port alone."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = threading.Lock()
        self._kept_until = 0.0
        self._kept: tuple[int, bytes] = (503, b"")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one probe (ASGI)."""
        if scope["path"] == "/healthz":
            status, body = 200, b'{"status":"alive"}'
        else:
            status, body = await asyncio.to_thread(self._readiness)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _readiness(self) -> tuple[int, bytes]:
        with self._lock:
            if monotonic() >= self._kept_until:
                is_ready, rows = run_checks(self._checks)
                body = orjson.dumps({"ready": is_ready, "checks": without_details(rows)})
                self._kept = (200 if is_ready else 503, body)
                self._kept_until = monotonic() + KEPT_SECONDS
            return self._kept
