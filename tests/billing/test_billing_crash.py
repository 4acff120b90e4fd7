"""Kills the way from the usage log to Stripe at each step, under each fault: the totals hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ulid import ULID

from billing.metering.usage_log import UsageLog
from tests.billing.stripe_server import Account
from tests.serving import committed_store

POINTS = (
    "after_read",
    "after_insert",
    "before_commit",
    "after_commit",
    "enqueue_before_commit",
    "marked",
    "after_post",
    "after_sent",
)
FAULTS = ("none", "500", "503", "429", "drop_before", "drop_after")

# Of each line, "point minute": forks a child that dies at that point; "live minute": lives on.
WORKER = """
import gc, os, signal, sys
from datetime import datetime, timedelta, UTC
from pathlib import Path
import django
django.setup()
import stripe
from billing.metering import ledger, shipper
from billing.services import close_hours, send_usage_reports
from billing.stripe_gateway import StripeGateway

# What is logged would mix with what is told.
told = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
folder, url, start = Path(sys.argv[1]), os.environ["DATABASE_URL"], float(sys.argv[2])
send_usage_reports.PACE_SECONDS = 0
STEPS = {
    "after_read": (ledger.Ledger, "_lock_source"), "after_insert": (ledger.Ledger, "_add_calls"),
    "before_commit": (ledger.Ledger, "_move_offset"), "after_commit": (ledger.Ledger, "ship_next"),
    "enqueue_before_commit": (close_hours, "record_audit"), "marked": (send_usage_reports, "_send"),
    "after_post": (StripeGateway, "send_usage"), "after_sent": (send_usage_reports, "_send_next"),
}

def die_at(point):
    owner, name = STEPS[point]
    step = getattr(owner, name)
    def mortal(*args, **kwargs):
        try:
            if point != "marked":
                return step(*args, **kwargs)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, mortal)

def work(now):
    shipper.Shipper(folder=folder, database_url=url).ship_all()
    close_hours.close_hours(now=now)
    send_usage_reports.send_usage_reports(now=lambda: now)
    return 0

def die(point, moment):
    child = os.fork()
    if child == 0:
        die_at(point)
        work(moment)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

gc.freeze()
for line in sys.stdin:
    point, minute = line.split()
    moment = datetime.fromtimestamp(start, tz=UTC) + timedelta(minutes=int(minute))
    code = work(moment) if point == "live" else die(point, moment)
    print(code, file=told, flush=True)
"""


def tell(worker: subprocess.Popen[str], line: str) -> int:
    """Have a worker do something; return the exit code."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{line}\n")
    worker.stdin.flush()
    return int(worker.stdout.readline())


@pytest.fixture
def billed(usage_database: Any, account: Account) -> Iterator[tuple[Any, Account, str]]:
    """Have a paying customer for real: what is written here is committed."""
    account.make_meter(event_name="recommendation_calls")
    account.post_switches(meter_event_seconds=0)
    customer = account.make_customer()
    with committed_store("Billed") as store:
        tenant = str(store.live.tenant_id)
        with psycopg.connect(usage_database.owner_url) as connection:
            connection.execute(
                "INSERT INTO billing_subscription (tenant_id, plan_id, state, currency,"
                " stripe_customer_id, stripe_subscription_id, current_period_start,"
                " current_period_end, cancel_at_period_end, updated_at)"
                " VALUES (%s, 'starter', 'active', 'EUR', %s, 'sub_1', now() - interval '1 day',"
                " now() + interval '1 day', false, now())",
                [tenant, customer],
            )
        yield store.live, account, customer
        with psycopg.connect(usage_database.owner_url) as connection:
            connection.execute("DELETE FROM billing_usagereport")
            connection.execute("DELETE FROM billing_subscription WHERE tenant_id = %s", [tenant])
        usage_database.forget()


def start_worker(folder: Path, account: Account, start: datetime) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WORKER, str(folder), str(start.timestamp())],
        env={**os.environ, "SHELFWISE_LOCAL_STRIPE_URL": account.address},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_every_crash_under_every_fault_ends_with_the_same_total_everywhere(
    billed: tuple[Any, Account, str], usage_database: Any, tmp_path: Path
) -> None:
    """I6 and I8: never more at Stripe than was used, and as much once all is quiet."""
    environment, account, customer = billed
    now = datetime.now(tz=UTC)
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    log = UsageLog(tmp_path / "usage", "host-1")
    used = kills = 0

    def use(calls: int) -> int:
        for _ in range(calls):
            at = hour + timedelta(milliseconds=1 + used)
            call_id = bytes(ULID.from_datetime(at))
            assert log.append(
                call_id=call_id,
                environment_id=environment.pk,
                units=1,
                operation=1,
                flags=1,
                at_ms=int(at.timestamp() * 1000),
            )
        return calls

    def counted() -> int:
        found = [values for name, values in account.world.usage.items() if customer in name]
        return int(found[0][-1]["value"]) if found else 0

    # Once in peace: an hour's second total is a revision, which is what the steps are about.
    rounds = [("after_sent", "none"), *((p, f) for p in POINTS for f in FAULTS)]
    with (
        start_worker(tmp_path / "usage", account, now) as mortal,
        start_worker(tmp_path / "usage", account, now) as survivor,
    ):
        for number, (point, fault) in enumerate(rounds):
            used += use(2)
            if fault != "none":
                account.post_switches(faults=[fault], fault_path="/v1/billing/meter_events")
            # Whether Stripe still knows the key, or the identifier alone.
            account.world.replays.clear()
            assert tell(mortal, f"{point} {number * 3}") == -signal.SIGKILL, (point, fault)
            kills += 1
            assert counted() <= used
            for minute in (1, 2):
                assert tell(survivor, f"live {number * 3 + minute}") == 0
            assert usage_database.rows("SELECT sum(units)::int FROM billing_usagebucket") == [
                (used,)
            ]
            account.post_switches(faults=[])
            assert counted() == used, (point, fault)
    log.close()
    assert (mortal.returncode, survivor.returncode) == (0, 0)
    assert kills == len(rounds)
    values = [each["value"] for each in next(iter(account.world.usage.values()))]
    assert values == sorted(values)
