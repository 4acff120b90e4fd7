"""Runs parts of a benchmark on a PostgreSQL and a Valkey of their own, with migrated schemas."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.throwaway_settings import throwaway_settings
from saas.embedded.postgres import EmbeddedPostgres
from saas.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Run both servers and yield the environment of a process that uses them, as the application.

    What is under its SHELFWISE_ARTIFACTS goes with them.
    """
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-bench-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder=folder / "postgres")
    valkey = EmbeddedValkey(folder=folder / "valkey")
    try:
        postgres.start()
        valkey.start()
        environment = os.environ | throwaway_settings()
        environment |= {
            "DATABASE_URL": postgres.app_url,
            "DATABASE_OWNER_URL": postgres.owner_url,
            "REDIS_URL": valkey.socket_url,
            "SHELFWISE_MODE": "test",
            "SHELFWISE_ARTIFACTS": str(folder / "artifacts"),
            "SHELFWISE_USAGE_LOG": str(folder / "usage"),
            "SHELFWISE_ALLOWED_HOSTS": "localhost",
            "DJANGO_SETTINGS_MODULE": "saas.settings",
            "PYTHONPATH": str(ROOT),
        }
        manage(environment, "migrate_schemas", "-v0")
        yield environment
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(folder)


def manage(environment: dict[str, str], *command: str) -> None:
    """Run a command of manage.py as the owner."""
    subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment | {"SHELFWISE_LOGIN": "owner"},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def run_on_servers(parts: Iterable[str]) -> None:
    """Run files of this folder one after the other, each in a process of its own.

    So that each can report its memory and its share of the processor.
    """
    with servers() as environment:
        for part in parts:
            subprocess.run(
                [sys.executable, str(Path(__file__).with_name(part))],
                cwd=ROOT,
                env=environment,
                check=True,
            )
