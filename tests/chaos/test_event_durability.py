"""What was answered with 202 is there after PostgreSQL was killed in the middle, and there once."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psycopg
import pytest
from psycopg import sql

from saas.embedded.ports import free_port
from saas.embedded.postgres import EmbeddedPostgres
from saas.embedded.processes import processes_in
from tests.chaos.processes import PROJECT, Process, wait_for

CLIENTS = 4
EVENTS_IN_A_BATCH = 20
# Acknowledged between two kills.
BATCHES = 40
KILLS = 2

# Makes a database with one store in it, as the owner, and prints what the store's developer has.
SET_UP = """
import os
os.environ["SHELFWISE_LOGIN"] = "owner"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
import django
django.setup()
from django.core.management import call_command
from tests.conftest import make_key
from tenants.services.create_tenant import create_tenant
call_command("migrate_schemas", verbosity=0)
live = create_tenant(name="Acorn Books", slug="acorn-books").live
print(make_key(live), live.schema_name)
"""


@dataclass(frozen=True)
class Shop:
    """A server of its own, a store in it, and a web process before it."""

    postgres: EmbeddedPostgres
    data: Path
    schema: str
    key: str
    port: int

    def kill_postgres(self) -> None:
        """Kill the server and every one of its processes at once, as a power cut would."""
        for pid in processes_in(self.data, program="postgres"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stored(self) -> Counter[str]:
        """Return how often each event is stored."""
        table = sql.Identifier(self.schema, "engine_event")
        with psycopg.connect(self.postgres.owner_url) as connection:
            rows = connection.execute(sql.SQL("SELECT event_id FROM {}").format(table))
            return Counter(event_id for (event_id,) in rows)


@dataclass
class Client:
    """Sends batches of events, each again and again until it is acknowledged."""

    shop: Shop
    name: str
    stop: threading.Event
    acknowledged: list[str] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            events = [f"{self.name}-{number}-{line}" for line in range(EVENTS_IN_A_BATCH)]
            while not self.stop.is_set():
                if self.send(events) == 202:
                    self.acknowledged.extend(events)
                    break

    def send(self, events: list[str]) -> int:
        rows = [
            {"type": "view", "user_id": self.name, "item_id": "sku-1", "event_id": event}
            for event in events
        ]
        connection = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=20)
        try:
            connection.request(
                "POST",
                "/v1/events",
                body=orjson.dumps({"events": rows}),
                headers={
                    "Authorization": f"Bearer {self.shop.key}",
                    "Content-Type": "application/json",
                },
            )
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        self.refusals[answer.status] += answer.status != 202
        return answer.status


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="shelfwise-chaos-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "postgres"


@pytest.fixture
def shop(folder: Path, tmp_path: Path) -> Iterator[Shop]:
    postgres = EmbeddedPostgres(folder=folder)
    postgres.start()
    web = None
    try:
        environment = {
            "DATABASE_URL": postgres.app_url,
            "DATABASE_OWNER_URL": postgres.owner_url,
            "SHELFWISE_MANAGEMENT_PORT": "0",
        }
        made = subprocess.run(
            [sys.executable, "-c", SET_UP],
            cwd=PROJECT,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        key, schema = made.stdout.split()[-2:]
        port = free_port()
        web = Process(
            "-m",
            "saas.web",
            "--ports",
            str(port),
            log=tmp_path / "web.log",
            environment=environment,
        )
        shop = Shop(postgres, folder / "data", schema, key, port)
        wait_for("the web process to listen", lambda: _is_listening(port))
        yield shop
    finally:
        if web is not None:
            web.kill()
        postgres.stop()


def _is_listening(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_no_acknowledged_event_is_missing_after_postgresql_was_killed(shop: Shop) -> None:
    stop = threading.Event()
    clients = [Client(shop, f"client-{number}", stop) for number in range(CLIENTS)]
    threads = [threading.Thread(target=client.run) for client in clients]

    def acknowledged() -> int:
        return sum(len(client.acknowledged) for client in clients)

    def wait_for_more(batches: int) -> None:
        enough = acknowledged() + batches * EVENTS_IN_A_BATCH
        wait_for("events to be acknowledged", lambda: acknowledged() >= enough)

    for thread in threads:
        thread.start()
    try:
        for _ in range(KILLS):
            wait_for_more(BATCHES)
            shop.kill_postgres()
            shop.postgres.stop()
            shop.postgres.start()
        # The web process goes on by itself.
        wait_for_more(CLIENTS)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    stored = shop.stored()
    missing = {event for client in clients for event in client.acknowledged} - stored.keys()
    assert not missing
    assert set(stored.values()) == {1}
    # While it was away, clients were told to come back, and nothing else.
    assert set().union(*(client.refusals for client in clients)) <= {202, 503}
