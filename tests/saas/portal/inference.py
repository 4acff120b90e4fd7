"""A service that answers recommendation calls as a test says, and keeps what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from typing_extensions import override


@dataclass
class Inference:
    """By path: the status and the body that it answers; else an empty list."""

    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    url: str = ""

    def gives(self, operation: str, *items: dict[str, Any], **members: Any) -> None:
        """Answer an operation with these items."""
        self.answers[f"/v1/recommend/{operation}"] = (200, answer(*items, **members))


def answer(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return an answer as the service makes it."""
    return {
        "recommendation_id": "01K",
        "items": [item(rank, **each) for rank, each in enumerate(items, 1)],
        "warnings": [],
        "model": None,
        "strategy": "personal",
        "fallback": None,
        "took_ms": 0.3,
        **members,
    }


def item(rank: int, *, id: str, reason: str = "Popular now", **product: Any) -> dict[str, Any]:
    """Return a recommended item."""
    return {
        "id": id,
        "rank": rank,
        "score": 1.5,
        "source": "popular",
        "reason": {"code": "popular_now", "text": reason},
        "product": {"title": id.title(), "image_url": None, "url": None, **product},
    }


@contextmanager
def serving() -> Iterator[Inference]:
    """Serve on a port of the loopback until the block ends."""
    told = Inference()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((self.path, orjson.loads(body), self.headers["Authorization"]))
            status, given = told.answers.get(self.path, (200, answer()))
            sent = orjson.dumps(given)
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        @override
        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
