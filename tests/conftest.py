"""Real servers for the whole run, and the cast: Acorn Books, and Birch Shoes who must never see
Acorn's data.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from saas.embedded.postgres import EmbeddedPostgres
from saas.embedded.valkey import EmbeddedValkey


def pytest_configure(config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        _start_servers(config)
        if config.getoption("numprocesses", None):
            return
    _enter_database(worker or "main")


def _start_servers(config: pytest.Config) -> None:
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-tests-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder=folder / "postgres")
    valkey = EmbeddedValkey(folder=folder / "valkey")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    postgres.start()
    config.add_cleanup(postgres.stop)
    valkey.start()
    config.add_cleanup(valkey.stop)
    workers = config.getoption("numprocesses", None) or 0
    for name in [f"gw{number}" for number in range(workers)] or ["main"]:
        postgres.create_database(name=f"test_{name}")
    private = Ed25519PrivateKey.generate()
    os.environ.update(
        SHELFWISE_MODE="test",
        SHELFWISE_SECRET_KEY="only-for-tests-" + "0123456789" * 5,
        SHELFWISE_JWT_SIGNING_KEY=private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
        SHELFWISE_JWT_VERIFYING_KEYS=private.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        DATABASE_URL=postgres.app_url,
        DATABASE_OWNER_URL=postgres.owner_url,
        REDIS_URL=valkey.url,
        SHELFWISE_ARTIFACTS=str(folder / "artifacts"),
        SHELFWISE_USAGE_LOG=str(folder / "usage"),
        SHELFWISE_TRAINING_SECONDS="5",
    )


def _enter_database(worker: str) -> None:
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = os.environ[variable].replace("/shelfwise?", f"/test_{worker}?")
    for variable in ("SHELFWISE_ARTIFACTS", "SHELFWISE_USAGE_LOG"):
        os.environ[variable] += f"/{worker}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "saas.settings"
