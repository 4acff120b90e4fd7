"""A whole Shelfwise of one's own, with a store in it, whose processes can be killed one by one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson
import psycopg
from psycopg import sql

from saas.demo.credentials import demo_credentials
from saas.embedded.child import Child
from saas.embedded.home import postgres_in, valkey_in
from saas.embedded.ports import free_port
from saas.embedded.processes import processes_in
from saas.embedded.service import Service, answers
from tests.chaos.processes import PROJECT

# Short, so that what a dead process held is missed soon.
LEASE_SECONDS = 1.5

# Makes a store in a new database, as the owner, and prints what its developer has.
SET_UP = """
import os
os.environ["SHELFWISE_LOGIN"] = "owner"
import django
django.setup()
import orjson
from django.core.management import call_command
from tests.conftest import make_store
call_command("migrate_schemas", verbosity=0)
store = make_store("Acorn Books")
shops = {
    "live": [store.key, store.live.schema_name],
    "test": [store.test_key, store.test.schema_name],
}
print(orjson.dumps(shops).decode())
"""


@dataclass(frozen=True)
class Shop:
    """One environment of the store, as its developer and as the database know it."""

    port: int
    key: str
    schema: str


class Stack:
    """PostgreSQL, Valkey, web, worker and dispatcher, which are killed and started again.

    `home` is a folder that every account can enter, since PostgreSQL's is another than root's.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._postgres = postgres_in(home)
        self._valkey = valkey_in(home)
        self._children: dict[str, Child] = {}
        self.live: Shop
        self.test: Shop

    def __enter__(self) -> Self:
        try:
            self._start_all()
        except BaseException:
            self._stop_all()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_all()

    def _start_all(self) -> None:
        self._postgres.start()
        self._start(self._valkey.prepare()).wait_ready()
        environment = self.environment()
        made = subprocess.run(
            [sys.executable, "-c", SET_UP],
            cwd=PROJECT,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        port = free_port()
        shops = orjson.loads(made.stdout.splitlines()[-1])
        self.live, self.test = (Shop(port, *shops[kind]) for kind in ("live", "test"))
        for service in (
            _process("web", environment, "-m", "saas.web", "--ports", str(port)),
            _process("worker", environment, "-m", "saas.worker", "--concurrency", "1"),
            _process("dispatcher", environment, "manage.py", "dispatch"),
        ):
            self._start(service)
        for name in self._children:
            self.wait_until_ready(name)

    def _stop_all(self) -> None:
        # Without being asked first: that much is what this is about.
        for child in self._children.values():
            child.kill_group()
        self._postgres.stop()
        self._valkey.stop()

    def wait_until_ready(self, name: str) -> None:
        """Wait until a process does its work (again)."""
        child = self._children.get(name)
        if child is not None:
            child.wait_ready()

    def crash(self, name: str) -> None:
        """Kill a process and start it again."""
        if name == "postgres":
            self._crash_postgres()
            return
        child = self._children[name]
        child.kill_group()
        self._start(child.service)

    def _crash_postgres(self) -> None:
        # Every one of its processes at once, as a power cut would.
        for pid in processes_in(self._postgres.folder / "data", program="postgres"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._postgres.stop()
        self._postgres.start()

    def rows(self, shop: Shop, query: str) -> list[Any]:
        """Return what a query of the store's tables finds."""
        with psycopg.connect(self._postgres.owner_url) as connection:
            path = sql.SQL("SET search_path = {}, public").format(sql.Identifier(shop.schema))
            connection.execute(path)
            return connection.execute(query.encode()).fetchall()

    def _start(self, service: Service) -> Child:
        log_path = self._home / f"{service.name}.log"
        child = self._children[service.name] = Child(service=service, log_path=log_path)
        return child

    @property
    def owner_url(self) -> str:
        """The database as the owner sees it."""
        return self._postgres.owner_url

    def environment(self) -> dict[str, str]:
        """Return the variables of its processes."""
        credentials = demo_credentials(self._home)
        return {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "DJANGO_SETTINGS_MODULE": "saas.settings",
            "SHELFWISE_MODE": "test",
            "SHELFWISE_SECRET_KEY": credentials["secret_key"],
            "SHELFWISE_JWT_SIGNING_KEY": credentials["jwt_signing_key"],
            "SHELFWISE_JWT_VERIFYING_KEYS": credentials["jwt_verifying_keys"],
            "SHELFWISE_ARTIFACTS": str(self._home / "artifacts"),
            "SHELFWISE_USAGE_LOG": str(self._home / "usage"),
            "SHELFWISE_JOB_LEASE_SECONDS": str(LEASE_SECONDS),
            "DATABASE_URL": self._postgres.app_url,
            "DATABASE_OWNER_URL": self._postgres.owner_url,
            "REDIS_URL": self._valkey.url,
        }


def _process(name: str, environment: dict[str, str], *arguments: str) -> Service:
    port = free_port()
    return Service(
        name=name,
        command=(sys.executable, *arguments),
        environment={**environment, "SHELFWISE_MANAGEMENT_PORT": str(port)},
        folder=PROJECT,
        is_ready=answers(f"http://127.0.0.1:{port}/readyz"),
    )
