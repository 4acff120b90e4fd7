"""The port that operators ask, on loopback: /healthz, /readyz and /metrics of one process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from typing_extensions import override

# A check returns None when what it asks answers, else one sentence that says what is wrong.
Check = Callable[[], str | None]


def run_checks(checks: Mapping[str, Check]) -> tuple[bool, list[dict[str, object]]]:
    """Return whether all checks pass, and a row for each: name, ok and, where not, detail."""
    rows: list[dict[str, object]] = []
    for name, check in checks.items():
        try:
            detail = check()
        except Exception as error:  # noqa: BLE001  # a check that fails is the answer
            detail = f"{type(error).__name__}: {error}"
        rows.append({"name": name, "ok": detail is None} | ({"detail": detail} if detail else {}))
    return all(row["ok"] for row in rows), rows


def without_details(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Return of each row what anybody may know; details name hosts, paths and logins."""
    return [{"name": row["name"], "ok": row["ok"]} for row in rows]


def serve_management(port: int, checks: Mapping[str, Check]) -> ThreadingHTTPServer | None:
    """Answer operators on 127.0.0.1:port from a daemon thread; port 0 means no such server."""
    if port == 0:
        return None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(200, "application/json", b'{"status":"alive"}')
            elif self.path == "/readyz":
                ready, rows = run_checks(checks)
                body = json.dumps({"ready": ready, "checks": rows}).encode()
                self._answer(200 if ready else 503, "application/json", body)
            elif self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY))
            else:
                self._answer(404, "application/json", b'{"status":"not_found"}')

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Stay silent: probes come every second."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="management", daemon=True).start()
    return server
