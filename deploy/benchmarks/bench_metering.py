"""Measures what metering costs beside what it replaces, in one run: the ratios are the result.

Admitting a call and keeping it in the usage log stands beside one Redis HINCRBY; shipping logs to
the ledger stands beside one INSERT per call. Run: python deploy/benchmarks/bench_metering.py
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

from billing.metering.quota import Quota, Quotas  # noqa: E402
from billing.metering.quota_rounds import QuotaRounds  # noqa: E402
from billing.metering.record import took_step  # noqa: E402
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
            compare_keeping(folder / "usage", redis_url=valkey.socket_url)
        postgres = EmbeddedPostgres(folder=folder / "postgres")
        try:
            postgres.start()
            migrate(postgres)
            compare_shipping(folder / "usage", database_url=postgres.app_url)
        finally:
            postgres.stop()
    finally:
        shutil.rmtree(folder)


def compare_keeping(folder: Path, *, redis_url: str) -> None:
    """Admit calls to a quota and keep them in a log, then count calls in Redis over its socket."""
    log = UsageLog(folder, "bench")
    client = redis.Redis.from_url(redis_url)
    quotas = Quotas()
    # Its counter is there, so that no database is asked for it.
    now = int(time.time())
    quota = Quota(7, now, now + 3_600, 100 * APPENDED_CALLS)
    client.hset(f"sw:7:quota:{now}", mapping={"epoch": "bench", "used": 0})
    rounds = QuotaRounds(quotas, redis_url=redis_url, database_url="")
    rounds.start()
    ids = iter([bytes(ULID()) for _ in range(APPENDED_CALLS)])

    def keep() -> None:
        call_id = next(ids)
        if not quotas.take(quota, 1):
            # Its lease was too small for so fast a caller; a call would wait for the next round.
            rounds.next_round().result()
            quotas.take(quota, 1)
        log.append(
            call_id=call_id,
            environment_id=7,
            units=1,
            operation=1,
            flags=1,
            at_ms=int.from_bytes(call_id[:6]),
            took_step=took_step(0.1 + call_id[-1] / 16),
        )

    kept = microseconds(keep, APPENDED_CALLS)
    counted = microseconds(lambda: client.hincrby("usage", "7:1", 1), COUNTED_CALLS)
    rounds.stop()
    log.close()
    client.close()
    print(f"admit and record   {quantiles(kept)}")
    print(f"Redis HINCRBY      {quantiles(counted)}")
    ratio = statistics.median(counted) / statistics.median(kept)
    print(f"admitting and recording is {ratio:.1f} times cheaper (p50)\n")


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
