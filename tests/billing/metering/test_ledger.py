from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billing.metering.record import Operation, UsageFlag, encode
from billing.metering.shipper import Shipper

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_calls_reach_the_ledger_with_everything_that_is_known_of_them(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    call = make_call(1, units=20, operation=Operation.CART, flags=3, at_ms=ms(NOON) + 123)
    (tmp_path / "host-a.usage").write_bytes(encode(call))
    assert shipper.ship_all() == 1
    [row] = usage_database.rows(
        "SELECT call_id, at, environment_id, units, operation, flags, source_id = s.id"
        " FROM billing_usageledger, billing_usagesource s"
    )
    assert row[0].bytes == call.call_id
    assert row[1] == NOON + timedelta(milliseconds=123)
    assert row[2:] == (7, 20, 4, 3, True)


def test_buckets_count_all_calls_and_charge_the_billable_ones(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    calls = [
        make_call(1, units=20),
        make_call(2, units=1, flags=UsageFlag.BILLABLE | UsageFlag.FALLBACK),
        make_call(3, units=5, flags=UsageFlag.FALLBACK),
        make_call(4, units=1, flags=0, operation=Operation.POPULAR),
        make_call(5, units=3, environment_id=8),
    ]
    (tmp_path / "host-a.usage").write_bytes(b"".join(map(encode, calls)))
    shipper.ship_all()
    assert usage_database.buckets() == [
        (7, "03-01 12", Operation.FOR_USER, 3, 20 + 1),
        (7, "03-01 12", Operation.POPULAR, 1, 0),
        (8, "03-01 12", Operation.FOR_USER, 1, 3),
    ]


def test_days_count_how_long_answers_took_and_buckets_how_many_fell_back(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    both = UsageFlag.BILLABLE | UsageFlag.FALLBACK
    calls = [
        make_call(1, took_step=18),
        make_call(2, took_step=18, flags=both),
        make_call(3, took_step=20, flags=UsageFlag.FALLBACK),
        make_call(4, took_step=18, at_ms=ms(NOON + timedelta(hours=12))),
        # Of a process of before.
        make_call(5),
    ]
    data = b"".join(encode(call) for call in calls)
    (tmp_path / "host-a.usage").write_bytes(data)
    (tmp_path / "host-b.usage").write_bytes(data)
    shipper.ship_all()

    assert usage_database.rows(
        "SELECT day::text, step, calls FROM billing_usagelatency ORDER BY 1, 2"
    ) == [("2026-03-01", 18, 2), ("2026-03-01", 20, 1), ("2026-03-02", 18, 1)]
    assert usage_database.rows("SELECT calls, fallbacks FROM billing_usagebucket ORDER BY 1") == [
        (1, 0),
        (4, 2),
    ]


def test_keys_and_placements_are_counted_beside(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    calls = [
        make_call(1, key_tag=5, placement_tag=6),
        make_call(2, key_tag=5, placement_tag=6, flags=0),
        make_call(3, key_tag=5),
        # Of a process of before.
        make_call(4),
    ]
    data = b"".join(encode(call) for call in calls)
    (tmp_path / "host-a.usage").write_bytes(data)
    (tmp_path / "host-b.usage").write_bytes(data)
    shipper.ship_all()

    assert usage_database.rows(
        "SELECT key_tag, placement_tag, calls, units FROM billing_usagedetail ORDER BY 2"
    ) == [(5, 0, 1, 1), (5, 6, 2, 1)]


def test_a_millisecond_decides_which_hour_and_day_a_call_falls_into(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    midnight = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    calls = [make_call(1, at_ms=ms(midnight) - 1), make_call(2, at_ms=ms(midnight))]
    (tmp_path / "host-a.usage").write_bytes(b"".join(map(encode, calls)))
    shipper.ship_all()
    eve = midnight - timedelta(days=1)
    assert usage_database.buckets() == [
        (7, f"{eve:%m-%d} 23", 1, 1, 1),
        (7, f"{midnight:%m-%d} 00", 1, 1, 1),
    ]
    assert usage_database.rows(
        "SELECT tableoid::regclass::text FROM billing_usageledger ORDER BY call_id"
    ) == [
        (f"billing_usageledger_{eve:%Y%m%d}",),
        (f"billing_usageledger_{midnight:%Y%m%d}",),
    ]


def test_a_missing_record_is_counted_as_a_hole(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    """I5."""

    (tmp_path / "host-a.usage").write_bytes(
        b"".join(encode(make_call(number)) for number in (1, 2, 5))
    )
    shipper.ship_all()
    assert usage_database.rows("SELECT sequence_holes FROM billing_usagesource") == [(5 - 2 - 1,)]


def test_a_call_counts_once_however_often_and_under_whatever_name_it_comes(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    """I3."""
    data = b"".join(encode(make_call(number)) for number in range(1, 11))
    (tmp_path / "host-a.usage").write_bytes(data)
    assert shipper.ship_all() == 10
    (tmp_path / "host-b.usage").write_bytes(data[: 7 * 64] * 2)
    assert shipper.ship_all() == 0
    (tmp_path / "host-a.usage").write_bytes(data)
    assert shipper.ship_all() == 0
    assert usage_database.buckets() == [(7, "03-01 12", 1, 10, 10)]


def test_the_ledger_takes_calls_and_gives_none_back(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "host-a.usage").write_bytes(encode(make_call(1)))
    shipper.ship_all()
    for url in (usage_database.app_url, usage_database.owner_url):
        for change in (
            b"UPDATE billing_usageledger SET units = 0",
            b"DELETE FROM billing_usageledger",
        ):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                psycopg.connect(url) as connection,
            ):
                connection.execute(change)


def test_where_no_partition_can_be_made_the_default_one_takes_the_calls(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    with psycopg.connect(usage_database.owner_url) as owner:
        owner.execute(
            "REVOKE EXECUTE ON FUNCTION billing_ensure_ledger_partition FROM shelfwise_app"
        )
    try:
        (tmp_path / "host-a.usage").write_bytes(encode(make_call(1)))
        assert shipper.ship_all() == 1
    finally:
        with psycopg.connect(usage_database.owner_url) as owner:
            owner.execute(
                "GRANT EXECUTE ON FUNCTION billing_ensure_ledger_partition TO shelfwise_app"
            )
    assert usage_database.rows("SELECT tableoid::regclass::text FROM billing_usageledger") == [
        ("billing_usageledger_default",)
    ]


def test_partitions_for_today_and_tomorrow_are_made_ahead_and_no_others_on_request(
    shipper: Shipper, usage_database: Any
) -> None:
    shipper.ship_all()
    today = datetime.now(tz=UTC).date()
    names = [f"billing_usageledger_{today + timedelta(days=days):%Y%m%d}" for days in (0, 1)]
    found = usage_database.rows(
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'billing_usageledger'::regclass"
    )
    assert {(name,) for name in names} <= set(found)
    for days in (-61, 8):
        assert usage_database.rows(
            f"SELECT billing_ensure_ledger_partition(DATE '{today + timedelta(days=days)}')"
        ) == [(False,)]
