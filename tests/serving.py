"""What tests of a real web process need: a committed store, and the process that serves it."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saas.embedded.ports import free_port
from saas.lifecycle.delete_tenant import delete_tenant
from tests.chaos.processes import Process, wait_for
from tests.conftest import Store, as_owner, make_store


@contextmanager
def committed_store(name: str) -> Iterator[Store]:
    """Make a store that other processes see, and delete it with everything that came of it."""
    name = f"{name} {secrets.token_hex(3)}"
    made = make_store(name)
    try:
        yield made
    finally:
        slug = name.lower().replace(" ", "-")
        with as_owner():
            delete_tenant(slug=slug, actor="command", reason="the test ends")


@contextmanager
def web_process(log: Path) -> Iterator[tuple[Process, int]]:
    """Serve the test's database by a process of its own; give it and its port."""
    port = free_port()
    command = ("-m", "saas.web", "--ports", str(port))
    process = Process(*command, log=log, environment=addresses(port))
    try:
        wait_for("the web process to be ready", lambda: is_ready(port), seconds=60)
        yield process, port
    finally:
        process.kill()


def addresses(port: int) -> dict[str, str]:
    """Return the environment of processes whose pages and API answer on a port."""
    return {
        "SHELFWISE_MANAGEMENT_PORT": "0",
        "SHELFWISE_API_URL": f"http://127.0.0.1:{port}",
        "SHELFWISE_INFERENCE_URL": f"http://127.0.0.1:{port}",
        "SHELFWISE_PORTAL_HOST": f"portal.localhost:{port}",
        "SHELFWISE_PORTAL_DOMAIN": f"localhost:{port}",
        "SHELFWISE_STAFF_HOST": f"staff.localhost:{port}",
    }


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
