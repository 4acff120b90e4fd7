"""Measures what metering costs beside what it replaces, in one run: the ratios are the result.

Keeping a call in the usage log stands beside one Redis HINCRBY per call; shipping logs to the
ledger stands beside one INSERT per call. Run: python deploy/benchmarks/bench_metering.py
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

import psycopg
import redis
from ulid import ULID

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from billing.metering.shipper import Shipper  # noqa: E402
from billing.metering.usage_log import UsageLog  # noqa: E402
from deploy.throwaway_settings import throwaway_settings  # noqa: E402
from saas.embedded.postgres import EmbeddedPostgres  # noqa: E402
from saas.embedded.valkey import EmbeddedValkey  # noqa: E402

APPENDED_CALLS = 200_000
COUNTED_CALLS = 20_000
INSERTED_CALLS = 3_000


def main() -> None:
    """Run both comparisons on servers of their own and print them."""
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-bench-"))
    folder.chmod(0o755)
    try:
        with EmbeddedValkey(folder=folder / "valkey") as valkey:
            valkey.start()
            compare_appending(folder / "usage", redis_url=valkey.socket_url)
        postgres = EmbeddedPostgres(folder=folder / "postgres")
        try:
            postgres.start()
            migrate(postgres)
            compare_shipping(folder / "usage", database_url=postgres.app_url)
        finally:
            postgres.stop()
    finally:
        shutil.rmtree(folder)


def compare_appending(folder: Path, *, redis_url: str) -> None:
    """Keep calls in a log, then count calls in Redis over its unix socket."""
    log = UsageLog(folder, "bench")
    client = redis.Redis.from_url(redis_url)
    ids = iter([bytes(ULID()) for _ in range(APPENDED_CALLS)])

    def append() -> None:
        call_id = next(ids)
        log.append(
            call_id=call_id,
            environment_id=7,
            units=1,
            operation=1,
            flags=1,
            at_ms=int.from_bytes(call_id[:6]),
        )

    appended = microseconds(append, APPENDED_CALLS)
    counted = microseconds(lambda: client.hincrby("usage", "7:1", 1), COUNTED_CALLS)
    log.close()
    client.close()
    print(f"usage log append   {quantiles(appended)}")
    print(f"Redis HINCRBY      {quantiles(counted)}")
    ratio = statistics.median(counted) / statistics.median(appended)
    print(f"append is {ratio:.1f} times cheaper (p50)\n")


def compare_shipping(folder: Path, *, database_url: str) -> None:
    """Ship the log just written, then insert calls one by one."""
    shipper = Shipper(folder=folder, database_url=database_url)
    began = time.perf_counter()
    shipped = shipper.ship_all()
    shipped_rate = shipped / (time.perf_counter() - began)
    shipper.close()
    if shipped != APPENDED_CALLS:
        raise SystemExit(f"{APPENDED_CALLS} calls were kept and {shipped} shipped.")
    with psycopg.connect(database_url, autocommit=True) as connection:

        def insert() -> None:
            connection.execute(
                "INSERT INTO billing_usageledger VALUES (%s, now(), 7, 1, 1, 1, 1)"
                " ON CONFLICT DO NOTHING",
                [ULID().to_uuid()],
            )

        inserted_rate = 1e6 / statistics.fmean(microseconds(insert, INSERTED_CALLS))
    print(f"shipper            {shipped_rate:>9,.0f} calls/s")
    print(f"INSERT per call    {inserted_rate:>9,.0f} calls/s")
    print(f"shipping is {shipped_rate / inserted_rate:.0f} times faster")


def microseconds(work: Callable[[], object], times: int) -> list[float]:
    """Time each of many calls."""
    taken = []
    for _ in range(times):
        began = time.perf_counter_ns()
        work()
        taken.append((time.perf_counter_ns() - began) / 1000)
    return taken


def quantiles(taken: list[float]) -> str:
    """Say the p50 and p99 of a list of microseconds."""
    cuts = statistics.quantiles(taken, n=100)
    return f"p50 {cuts[49]:7.1f} µs   p99 {cuts[98]:7.1f} µs"


def migrate(postgres: EmbeddedPostgres) -> None:
    """Make the public tables as a deploy does."""
    settings = {
        "SHELFWISE_MODE": "test",
        "DATABASE_URL": postgres.app_url,
        "DATABASE_OWNER_URL": postgres.owner_url,
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate_schemas", "-v0"],
        cwd=ROOT,
        env=os.environ | throwaway_settings() | settings,
        check=True,
    )


if __name__ == "__main__":
    main()
