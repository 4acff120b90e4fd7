"""Names what lies where in the data folder of the embedded default."""

from __future__ import annotations

import os
from pathlib import Path

from saas.embedded.postgres import EmbeddedPostgres
from saas.embedded.valkey import EmbeddedValkey

_PROJECT = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """Return the data folder: SHELFWISE_HOME, else .demo in the project."""
    return Path(os.environ.get("SHELFWISE_HOME") or _PROJECT / ".demo").absolute()


def postgres_in(home: Path) -> EmbeddedPostgres:
    """Return the PostgreSQL whose cluster lies in ``home``."""
    return EmbeddedPostgres(folder=home / "postgres")


def valkey_in(home: Path) -> EmbeddedValkey:
    """Return the Valkey whose configuration lies in ``home``."""
    return EmbeddedValkey(folder=home / "valkey")
