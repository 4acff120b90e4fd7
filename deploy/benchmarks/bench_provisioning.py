"""Measures how long a new environment takes, beside a migration of the same schema in one run.

Run: python deploy/benchmarks/bench_provisioning.py
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deploy.throwaway_settings import throwaway_settings  # noqa: E402
from saas.embedded.postgres import EmbeddedPostgres  # noqa: E402

REPLAYED = 20
MIGRATED = 5


def main() -> None:
    """Provision and migrate on a server of its own, and print both with their ratio."""
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-bench-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder=folder / "postgres")
    try:
        postgres.start()
        os.environ.update(throwaway_settings())
        os.environ.update(
            SHELFWISE_LOGIN="owner",
            DATABASE_URL=postgres.app_url,
            DATABASE_OWNER_URL=postgres.owner_url,
            DJANGO_SETTINGS_MODULE="saas.settings",
        )
        command = [sys.executable, "manage.py", "migrate_schemas", "-v0"]
        subprocess.run(command, cwd=ROOT, check=True)
        compare()
    finally:
        postgres.stop()
        shutil.rmtree(folder)


def compare() -> None:
    """Time the recorded script against a migration of the same schema."""
    import django

    django.setup()
    from tenants.context import on_platform
    from tenants.models.environment import Environment
    from tenants.models.tenant import Tenant
    from tenants.services.provision_environment import provision_environment

    def tenant(number: int) -> Tenant:
        return Tenant.objects.create(name="bench", slug=f"bench-{time.time_ns()}-{number}")

    def replay(number: int) -> None:
        provision_environment(tenant=tenants[number], kind="live")

    def migrate(number: int) -> None:
        environment = Environment(schema_name=f"t_bench{number}", role_name=f"r_bench{number}")
        environment.create_schema(check_if_exists=True, sync_schema=True, verbosity=0)

    with on_platform():
        tenants = [tenant(number) for number in range(REPLAYED)]
        replayed = timed(replay, times=REPLAYED)
        migrated = timed(migrate, times=MIGRATED)
    print("one environment                  median      max")
    for name, milliseconds in (("replayed script", replayed), ("migration", migrated)):
        middle, most = statistics.median(milliseconds), max(milliseconds)
        print(f"  {name:<28}{middle:8.1f} ms{most:6.1f} ms")
    ratio = statistics.median(migrated) / statistics.median(replayed)
    print(f"  a replay is {ratio:.1f} times as fast as a migration\n")


def timed(act: Callable[[int], None], *, times: int) -> list[float]:
    """Return the milliseconds of each of `times` acts."""
    milliseconds = []
    for number in range(times):
        started = time.perf_counter()
        act(number)
        milliseconds.append((time.perf_counter() - started) * 1000)
    return milliseconds


if __name__ == "__main__":
    main()
