"""Kills the way from the usage log to Stripe at each step, under each fault, and judges."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import psycopg
from ulid import ULID

from billing.metering.usage_log import UsageLog
from tests.billing.stripe_server import Account
from tests.chaos.billing_worker import POINTS
from tests.chaos.developer import expect
from tests.chaos.processes import PROJECT

FAULTS = ("none", "500", "503", "429", "drop_before", "drop_after")
# A round's: it dies in the first, and what is left is done in the next two.
ROUND_MINUTES = 3
# Then calls are of another hour: a total is looked for in two days.
ROUNDS_OF_HOUR = 100

Round = tuple[str, str]


def every_crash() -> list[Round]:
    """Return each point under each fault."""
    return list(itertools.product(POINTS, FAULTS))


def random_crashes(*, seed: str, crashes: int) -> Iterator[Round]:
    """Yield points and faults, by a seed's chance."""
    chance = random.Random(f"billing {seed}")
    for _ in range(crashes):
        yield chance.choice(POINTS), chance.choice(FAULTS)


@contextmanager
def paying(owner_url: str, *, tenant_id: str, account: Account) -> Iterator[str]:
    """Give a store a subscription at Stripe, for real, and yield its customer."""
    account.make_meter(event_name="recommendation_calls")
    account.post_switches(meter_event_seconds=0)
    customer = account.make_customer()
    with psycopg.connect(owner_url) as connection:
        connection.execute(
            "INSERT INTO billing_subscription (tenant_id, plan_id, state, currency,"
            " stripe_customer_id, stripe_subscription_id, current_period_start,"
            " current_period_end, cancel_at_period_end, updated_at)"
            " VALUES (%s, 'starter', 'active', 'EUR', %s, 'sub_1', now() - interval '1 day',"
            " now() + interval '1 day', false, now())",
            [tenant_id, customer],
        )
    yield customer
    with psycopg.connect(owner_url) as connection:
        connection.execute("DELETE FROM billing_usagereport WHERE tenant_id = %s", [tenant_id])
        connection.execute("DELETE FROM billing_subscription WHERE tenant_id = %s", [tenant_id])


class BillingSiege:
    """A store's calls, a worker that dies, one that lives, and Stripe."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        environment_id: int,
        account: Account,
        customer: str,
        folder: Path,
    ) -> None:
        self._environment = {**environment, "SHELFWISE_LOCAL_STRIPE_URL": account.address}
        self._environment_id = environment_id
        self._account = account
        self._customer = customer
        self._folder = folder
        self._log = UsageLog(folder, "host-1")
        self._start = datetime.now(tz=UTC)
        self._used: dict[datetime, int] = {}
        self._workers: list[subprocess.Popen[str]] = []
        self.kills = 0

    def __enter__(self) -> Self:
        self._workers = [self._worker() for _ in range(2)]
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()
        for worker in self._workers:
            worker.communicate()

    def run(self, rounds: Iterable[Round]) -> None:
        """Let calls come and a worker die in each round, and judge after it.

        Raises
        ------
        BrokenPromiseError
            Stripe, the ledger and the calls that were answered do not agree.
        """
        mortal, survivor = self._workers
        for point, fault in rounds:
            hour = self._next_hour()
            minute = self.kills * ROUND_MINUTES
            if hour not in self._used:
                # In peace: the first total of an hour is no revision, which one point waits for.
                self._use(hour, calls=1)
                expect("the survivor's exit code", _told(survivor, f"live {minute}"), 0)
            self._use(hour, calls=2)
            if fault != "none":
                path = "/v1/billing/meter_events"
                self._account.post_switches(faults=[fault], fault_path=path)
            # Whether Stripe still knows the key, or the identifier alone.
            self._account.world.replays.clear()
            died = _told(mortal, f"{point} {minute}")
            expect(f"{point}, {fault}: the exit code", died, -signal.SIGKILL)
            self.kills += 1
            counted = self._counted(hour)
            too_many = max(0, counted - self._used[hour])
            expect(f"{point}, {fault}: calls that Stripe has and nobody made", too_many, 0)
            for later in (1, 2):
                expect("the survivor's exit code", _told(survivor, f"live {minute + later}"), 0)
            self._account.post_switches(faults=[])
            self._judge(f"{point}, {fault}")

    def _judge(self, when: str) -> None:
        """Compare what was answered, what the ledger has and what Stripe has, hour by hour."""
        with psycopg.connect(self._environment["DATABASE_URL"]) as connection:
            buckets = connection.execute(
                "SELECT hour, sum(units)::int FROM billing_usagebucket"
                " WHERE environment_id = %s GROUP BY hour",
                [self._environment_id],
            ).fetchall()
            calls = connection.execute(
                "SELECT date_trunc('hour', at, 'UTC'), count(*)::int FROM billing_usageledger"
                " WHERE environment_id = %s GROUP BY 1",
                [self._environment_id],
            ).fetchall()
        expect(f"{when}: the ledger", dict(calls), self._used)
        expect(f"{when}: the buckets", dict(buckets), self._used)
        at_stripe = {hour: self._counted(hour) for hour in self._used}
        expect(f"{when}: Stripe's totals", at_stripe, self._used)

    def _next_hour(self) -> datetime:
        """Return the hour that calls are of now; each has ended three hours ago when it begins."""
        begun = self.kills // ROUNDS_OF_HOUR * ROUNDS_OF_HOUR
        if self.kills == begun and begun:
            self._account.move_clock(ROUNDS_OF_HOUR * ROUND_MINUTES * 60)
        moment = self._start + timedelta(minutes=begun * ROUND_MINUTES)
        return moment.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)

    def _use(self, hour: datetime, *, calls: int) -> None:
        for _ in range(calls):
            number = self._used[hour] = self._used.get(hour, 0) + 1
            at = hour + timedelta(milliseconds=number)
            is_recorded = self._log.append(
                call_id=bytes(ULID.from_datetime(at)),
                environment_id=self._environment_id,
                units=1,
                operation=1,
                flags=1,
                at_ms=int(at.timestamp() * 1000),
            )
            expect("a record's fate", is_recorded, True)

    def _counted(self, hour: datetime) -> int:
        key = f"|{self._customer}|{int(hour.timestamp())}"
        usage = self._account.world.usage
        found: list[Any] = [values for name, values in usage.items() if name.endswith(key)]
        return int(found[0][-1]["value"]) if found else 0

    def _worker(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", "-m", "tests.chaos.billing_worker"),
                *(str(self._folder), str(self._start.timestamp())),
            ],
            cwd=PROJECT,
            env={**os.environ, **self._environment, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def _told(worker: subprocess.Popen[str], line: str) -> int:
    """Have a worker do something; return the exit code."""
    if worker.stdin is None or worker.stdout is None:
        raise AssertionError("A worker is spoken to through pipes.")
    worker.stdin.write(f"{line}\n")
    worker.stdin.flush()
    return int(worker.stdout.readline())
