"""Measures how events come in and are read for training, each beside its baseline in one run.

POST /v1/events stands beside the same call written with a ModelSerializer and bulk_create
(baseline_events.py), the service alone beside bulk_create, the packed reading of a store's events
beside the ORM. Run: python deploy/benchmarks/bench_ingestion.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deploy.throwaway_settings import throwaway_settings  # noqa: E402
from saas.embedded.postgres import EmbeddedPostgres  # noqa: E402
from saas.embedded.valkey import EmbeddedValkey  # noqa: E402

# Each in a process of its own, since each reports its memory and its share of the processor.
PARTS = ("ingestion_requests.py", "ingestion_batches.py", "ingestion_reading.py")


def main() -> None:
    """Run the parts on servers of their own, one after the other."""
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
        for part in PARTS:
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


if __name__ == "__main__":
    main()
