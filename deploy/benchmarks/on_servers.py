"""Runs parts of a benchmark on a PostgreSQL and a Valkey of their own, with migrated schemas."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from deploy.throwaway_settings import throwaway_settings
from saas.embedded.postgres import EmbeddedPostgres
from saas.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]


def run_on_servers(parts: Iterable[str]) -> None:
    """Run files of this folder one after the other, each in a process of its own.

    So that each can report its memory and its share of the processor.
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
        command = [sys.executable, "manage.py", "migrate_schemas", "-v0"]
        subprocess.run(
            command, cwd=ROOT, env=environment | {"SHELFWISE_LOGIN": "owner"}, check=True
        )
        for part in parts:
            subprocess.run(
                [sys.executable, str(Path(__file__).with_name(part))],
                cwd=ROOT,
                env=environment,
                check=True,
            )
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(folder)
