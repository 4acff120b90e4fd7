"""Runs every static check of `make check`, each as production would see it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy.throwaway_settings import throwaway_settings
from saas.embedded.postgres import EmbeddedPostgres

LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"
# Outside of the platform's context the database wrapper refuses every query.
MAKE_MIGRATIONS = """
import django
django.setup()
from django.core.management import call_command
from tenants.context import on_platform
with on_platform():
    call_command("makemigrations", check_changes=True, dry_run=True)
"""
CHECKS = (
    ("format", ("-m", "ruff", "format", "--check", ".")),
    ("lint", ("-m", "ruff", "check", ".")),
    ("types", ("-m", "mypy", ".")),
    ("import contracts", ("-c", LINT_IMPORTS)),
    ("migrations", ("-c", MAKE_MIGRATIONS)),
    ("deployment", ("manage.py", "check", "--deploy", "--fail-level", "WARNING")),
)


def main() -> int:
    """Run all checks, even after one has failed; return 1 when any has."""
    failed = False
    with (
        tempfile.TemporaryDirectory(prefix="shelfwise-check-") as folder,
        EmbeddedPostgres(folder=Path(folder)) as postgres,
    ):
        # makemigrations compares the files with a database's history.
        postgres.start()
        databases = {"DATABASE_URL": postgres.app_url, "DATABASE_OWNER_URL": postgres.owner_url}
        django = {"DJANGO_SETTINGS_MODULE": "saas.settings"}
        environment = {**os.environ, **throwaway_settings(), **databases, **django}
        for name, arguments in CHECKS:
            failed |= not passes(name, arguments, environment=environment)
    return 1 if failed else 0


def passes(name: str, arguments: tuple[str, ...], *, environment: dict[str, str]) -> bool:
    """Run one check and print its name; its output only when it fails."""
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    print(f"  {'✗' if ended.returncode else '✓'} {name} ({seconds:.1f} s)", flush=True)
    if ended.returncode:
        print(ended.stdout, flush=True)
    return ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
