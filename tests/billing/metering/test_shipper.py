from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billing.metering import ledger, log_folder, metrics
from billing.metering.record import Operation, UsageFlag, encode
from billing.metering.shipper import Shipper
from billing.metering.usage_log import UsageLog

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GARBAGE = b"\xff" * 64


@pytest.fixture
def shipper(usage_database: Any, tmp_path: Path) -> Iterator[Shipper]:
    shipper = Shipper(folder=tmp_path, database_url=usage_database.app_url)
    yield shipper
    shipper.close()


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


def test_a_growing_log_is_shipped_as_far_as_it_goes(
    shipper: Shipper,
    usage_database: Any,
    make_call: Callable[..., Any],
    keep_open: Callable[[Path], Any],
    tmp_path: Path,
) -> None:
    path = tmp_path / "host-a.usage"
    third = encode(make_call(3))
    with keep_open(path):
        path.write_bytes(encode(make_call(1)) + encode(make_call(2)) + third[:40])
        assert shipper.ship_all() == 2
        assert usage_database.offsets() == {"host-a.usage": 2 * 64}
        with path.open("ab") as file:
            file.write(third[40:])
        assert shipper.ship_all() == 1
        assert usage_database.offsets() == {"host-a.usage": 3 * 64}
        assert path.exists()


def test_a_bad_tail_of_a_living_writer_is_waited_for(
    shipper: Shipper,
    usage_database: Any,
    make_call: Callable[..., Any],
    keep_open: Callable[[Path], Any],
    tmp_path: Path,
) -> None:
    path = tmp_path / "host-a.usage"
    with keep_open(path):
        path.write_bytes(encode(make_call(1)) + GARBAGE)
        shipper.ship_all()
        assert usage_database.offsets() == {"host-a.usage": 1 * 64}
        path.write_bytes(encode(make_call(1)) + encode(make_call(2)))
        shipper.ship_all()
        assert usage_database.offsets() == {"host-a.usage": 2 * 64}


def test_a_bad_record_among_good_ones_is_skipped_counted_and_kept_for_a_person(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    before = metrics.BAD_RECORDS._value.get()
    (tmp_path / "host-a.usage").write_bytes(
        encode(make_call(1)) + GARBAGE + encode(make_call(3)) + GARBAGE[:30]
    )
    assert shipper.ship_all() == 2
    assert usage_database.rows(
        "SELECT shipped_bytes, last_sequence, bad_records, sequence_holes FROM billing_usagesource"
    ) == [(3 * 64, 3, 1, 1)]
    assert metrics.BAD_RECORDS._value.get() == before + 1
    assert [path.name for path in tmp_path.iterdir()] == ["host-a.usage.damaged"]


def test_a_missing_record_is_counted_as_a_hole(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    before = metrics.SEQUENCE_HOLES._value.get()
    (tmp_path / "host-a.usage").write_bytes(
        b"".join(encode(make_call(number)) for number in (1, 2, 5))
    )
    shipper.ship_all()
    assert usage_database.rows("SELECT sequence_holes FROM billing_usagesource") == [(5 - 2 - 1,)]
    assert metrics.SEQUENCE_HOLES._value.get() == before + 2


def test_a_call_counts_once_however_often_and_under_whatever_name_it_comes(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    data = b"".join(encode(make_call(number)) for number in range(1, 11))
    (tmp_path / "host-a.usage").write_bytes(data)
    assert shipper.ship_all() == 10
    (tmp_path / "host-b.usage").write_bytes(data[: 7 * 64] * 2)
    assert shipper.ship_all() == 0
    (tmp_path / "host-a.usage").write_bytes(data)
    assert shipper.ship_all() == 0
    assert usage_database.buckets() == [(7, "03-01 12", 1, 10, 10)]


def test_a_finished_log_is_put_away_and_later_removed(
    shipper: Shipper,
    make_call: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "host-a.usage").write_bytes(encode(make_call(1)) + b"torn")
    shipper.ship_all()
    assert [path.name for path in tmp_path.iterdir()] == ["host-a.usage.shipped"]
    monkeypatch.setattr(log_folder, "KEEP_SHIPPED_SECONDS", -1)
    shipper.ship_all()
    assert list(tmp_path.iterdir()) == []


def test_a_log_larger_than_a_batch_is_shipped_in_one_round(
    shipper: Shipper,
    usage_database: Any,
    make_call: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "BATCH_BYTES", 4 * 64)
    (tmp_path / "host-a.usage").write_bytes(
        b"".join(encode(make_call(number)) for number in range(1, 4))
        + GARBAGE * 6
        + b"".join(encode(make_call(number)) for number in range(10, 13))
    )
    assert shipper.ship_all() == 6
    assert usage_database.rows(
        "SELECT shipped_bytes, bad_records, sequence_holes FROM billing_usagesource"
    ) == [(12 * 64, 6, 6)]


def test_two_shippers_share_a_folder(
    usage_database: Any,
    make_call: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "BATCH_BYTES", 10 * 64)
    for host in range(3):
        (tmp_path / f"host-{host}.usage").write_bytes(
            b"".join(encode(make_call(number, salt=host)) for number in range(1, 201))
        )
    shipped: list[int] = []
    shippers = [Shipper(folder=tmp_path, database_url=usage_database.app_url) for _ in range(2)]
    threads = [
        threading.Thread(target=lambda one=one: shipped.append(one.ship_all())) for one in shippers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in shippers:
        one.close()
    assert sum(shipped) == 3 * 200
    assert usage_database.buckets() == [(7, "03-01 12", 1, 600, 600)]
    assert set(usage_database.offsets().values()) == {200 * 64}


def test_nothing_is_lost_while_postgresql_is_away(
    shipper: Shipper,
    usage_database: Any,
    make_call: Callable[..., Any],
    keep_open: Callable[[Path], Any],
    tmp_path: Path,
) -> None:
    path = tmp_path / "host-a.usage"
    with keep_open(path):
        path.write_bytes(encode(make_call(1)))
        shipper._try_round()
        usage_database.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'shelfwise-shipper' AND datname = current_database()"
        )
        path.write_bytes(encode(make_call(1)) + encode(make_call(2)))
        pauses = [shipper._try_round()]
        assert "terminat" in (shipper.database_problem() or "")
        assert metrics.UNSHIPPED_BYTES._value.get() == 1 * 64
        shipper._database_url = f"host={tmp_path} dbname=nowhere"
        pauses += [shipper._try_round() for _ in range(8)]
        assert pauses[0] <= 0.5
        assert 5 <= pauses[-1] <= 10
        shipper._database_url = usage_database.app_url
        assert shipper._try_round() == 0.25
    assert shipper.database_problem() is None
    assert metrics.UNSHIPPED_BYTES._value.get() == 0
    assert usage_database.buckets() == [(7, "03-01 12", 1, 2, 2)]


def test_a_ledger_far_behind_is_reported(shipper: Shipper) -> None:
    assert shipper.lag_problem() is None
    shipper._shipped_up_to -= 61
    assert (shipper.lag_problem() or "").startswith("The ledger is 61 s behind")
    assert metrics.LAG_SECONDS._child_samples()[0].value >= 61  # type: ignore[no-untyped-call]


def test_sigterm_ships_what_is_there_and_exits_with_0(usage_database: Any, tmp_path: Path) -> None:
    log = UsageLog(tmp_path, "host-a")
    environment = os.environ | {
        "DATABASE_URL": usage_database.app_url,
        "SHELFWISE_USAGE_LOG": str(tmp_path),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "billing.metering"], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"shipper_started" in process.stdout.readline()
        for number in range(1000):
            assert log.append(
                call_id=ms(NOON).to_bytes(6, "big") + number.to_bytes(10, "big"),
                environment_id=7,
                units=1,
                operation=1,
                flags=1,
                at_ms=ms(NOON),
            )
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    log.close()
    assert process.returncode == 0
    assert usage_database.buckets() == [(7, "03-01 12", 1, 1000, 1000)]


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
