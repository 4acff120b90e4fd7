"""Old days of the ledger go one by one: when they are old enough and billed from their buckets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billing.metering.record import encode
from billing.metering.shipper import Shipper

TODAY = datetime.now(tz=UTC).date()


def noon(days_ago: int) -> int:
    moment = datetime.combine(TODAY - timedelta(days=days_ago), time(12), tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def days(usage_database: Any) -> set[date]:
    found = usage_database.rows(
        "SELECT to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') FROM pg_inherits"
        " WHERE inhparent = 'billing_usageledger'::regclass"
        " AND inhrelid::regclass::text NOT LIKE '%default'"
    )
    return {day for (day,) in found}


def counted_calls(usage_database: Any) -> list[tuple[Any, ...]]:
    return list(usage_database.rows("SELECT sum(calls), sum(units) FROM billing_usagebucket"))


@pytest.fixture(autouse=True)
def no_days_of_other_tests(usage_database: Any) -> None:
    with psycopg.connect(usage_database.owner_url) as owner:
        for day in days(usage_database):
            owner.execute(f"DROP TABLE billing_usageledger_{day:%Y%m%d}".encode())


@pytest.fixture
def old_calls(make_call: Callable[..., Any], tmp_path: Path) -> None:
    """Calls that come late, of 50, 46, 45 and 3 days ago."""
    calls = [
        make_call(number, at_ms=noon(days_ago))
        for number, days_ago in enumerate((50, 46, 45, 3), start=1)
    ]
    (tmp_path / "host-a.usage").write_bytes(b"".join(map(encode, calls)))


@pytest.mark.usefixtures("old_calls")
def test_days_go_after_45_days_and_their_buckets_stay(
    shipper: Shipper, usage_database: Any
) -> None:
    assert shipper.ship_all() == 4
    for _ in range(3):
        shipper.ship_all()
    assert {TODAY - timedelta(days=ago) for ago in (45, 3, 0)} <= days(usage_database)
    assert min(days(usage_database)) == TODAY - timedelta(days=45)
    assert counted_calls(usage_database) == [(4, 4)]


@pytest.mark.usefixtures("old_calls")
def test_one_day_goes_in_a_round(shipper: Shipper, usage_database: Any) -> None:
    shipper.ship_all()
    assert min(days(usage_database)) == TODAY - timedelta(days=46)


@pytest.mark.usefixtures("old_calls")
@pytest.mark.parametrize("lost", ["calls = 0", "units = 0"])
def test_a_day_whose_calls_are_not_all_counted_stays(
    shipper: Shipper, usage_database: Any, lost: str
) -> None:
    shipper._forgets_at = float("inf")
    shipper.ship_all()
    oldest = TODAY - timedelta(days=50)
    with psycopg.connect(usage_database.owner_url) as owner:
        change = f"UPDATE billing_usagebucket SET {lost} WHERE hour::date = %s"
        owner.execute(change.encode(), [oldest])
    shipper._forgets_at = 0.0
    shipper.ship_all()
    assert min(days(usage_database)) == oldest


@pytest.mark.usefixtures("old_calls")
def test_who_reads_the_ledger_is_not_waited_for(shipper: Shipper, usage_database: Any) -> None:
    shipper._forgets_at = float("inf")
    shipper.ship_all()
    shipper._forgets_at = 0.0
    with psycopg.connect(usage_database.app_url) as reader:
        reader.execute("SELECT count(*) FROM billing_usageledger")
        assert shipper.ship_all() == 0
    assert min(days(usage_database)) == TODAY - timedelta(days=50)


def test_no_younger_day_goes_on_request(shipper: Shipper, usage_database: Any) -> None:
    shipper.ship_all()
    for day in (TODAY - timedelta(days=45), TODAY):
        asked = f"SELECT billing_drop_ledger_partition(DATE '{day}')"
        assert usage_database.rows(asked) == [(False,)]
    assert TODAY in days(usage_database)
