"""What billing's tests share: usage records made by hand, a database that keeps commits, Stripe."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billing.metering.record import Operation, UsageFlag, UsageRecord
from billing.metering.shipper import Shipper
from tests.billing.stripe_server import Account, new_account, running_stripe

# 2026-03-01 12:00:00 UTC
NOON_MS = 1_772_366_400_000


@pytest.fixture
def make_call() -> Callable[..., UsageRecord]:
    """Make the nth call of a log: environment 7, one billable unit, one more millisecond."""

    def make(sequence: int, *, salt: int = 0, **changes: Any) -> UsageRecord:
        at_ms = changes.pop("at_ms", NOON_MS + sequence)
        call_id = at_ms.to_bytes(6, "big") + salt.to_bytes(2, "big") + sequence.to_bytes(8, "big")
        plain = UsageRecord(
            sequence=sequence,
            at_ms=at_ms,
            environment_id=7,
            call_id=call_id,
            units=1,
            operation=Operation.FOR_USER,
            flags=UsageFlag.BILLABLE,
        )
        return plain._replace(**changes)

    return make


@pytest.fixture
def keep_open() -> Callable[[Path], Any]:
    """Stand in for a log's living writer: an unlocked log counts as finished."""

    @contextmanager
    def hold(path: Path) -> Iterator[None]:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.close(descriptor)

    return hold


@dataclass(frozen=True)
class UsageDatabase:
    """The worker's real database, seen with both logins and outside any test transaction."""

    app_url: str
    owner_url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.app_url) as connection:
            # Not LiteralString: the tests' own queries.
            return connection.execute(query.encode()).fetchall()

    def forget(self) -> None:
        with psycopg.connect(self.owner_url) as connection:
            connection.execute(
                "TRUNCATE billing_usageledger, billing_usagebucket, billing_usagesource,"
                " billing_usageshipper, billing_usagedetail, billing_usagelatency"
            )

    def buckets(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT environment_id, to_char(hour AT TIME ZONE 'UTC', 'MM-DD HH24'), operation,"
            " calls, units FROM billing_usagebucket ORDER BY 1, 2, 3"
        )

    def offsets(self) -> dict[str, int]:
        return dict(self.rows("SELECT name, shipped_bytes FROM billing_usagesource"))


@pytest.fixture
def usage_database(migrated: None) -> Iterator[UsageDatabase]:
    """Let a shipper commit for real, without what other tests' shippers committed."""
    database = UsageDatabase(os.environ["DATABASE_URL"], os.environ["DATABASE_OWNER_URL"])
    database.forget()
    yield database
    database.forget()


@pytest.fixture
def shipper(usage_database: UsageDatabase, tmp_path: Path) -> Iterator[Shipper]:
    shipper = Shipper(folder=tmp_path, database_url=usage_database.app_url)
    yield shipper
    shipper.close()


@pytest.fixture(scope="session")
def stripe_server() -> Iterator[Any]:
    with running_stripe() as server:
        yield server


@pytest.fixture
def account(stripe_server: Any) -> Iterator[Account]:
    """Have a new Stripe account."""
    with new_account(*stripe_server) as account:
        yield account


@pytest.fixture
def checked_requests(monkeypatch: Any) -> None:
    """Have our gateway refuse to send what Stripe's documents do not have."""
    from tests.billing.stripe_outgoing import CheckedClient

    monkeypatch.setattr("stripe.RequestsClient", CheckedClient)


@pytest.fixture
def stripe(
    account: Account, database: None, checked_requests: None, monkeypatch: Any
) -> Iterator[Account]:
    """Have our services talk to the test's Stripe account, which waits for nothing."""
    from billing.stripe_gateway import gateway
    from saas.lib.config import config

    def forget() -> None:
        config.cache_clear()
        gateway.cache_clear()

    monkeypatch.setenv("SHELFWISE_LOCAL_STRIPE_URL", account.address)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests")
    monkeypatch.setattr("billing.stripe_gateway.BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr("billing.services.send_usage_reports.PACE_SECONDS", 0)
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 0.001)
    account.post_switches(meter_event_seconds=0)
    forget()
    yield account
    forget()


@pytest.fixture
def subscribe(stripe: Account) -> Callable[..., Any]:
    from tests.billing.stripe_customer import subscribe

    return partial(subscribe, stripe=stripe)


@pytest.fixture
def acorn_customer(subscribe: Callable[..., Any], acorn: Any) -> Any:
    return subscribe(acorn)
