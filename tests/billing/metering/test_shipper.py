from __future__ import annotations

import gzip
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from billing.metering import ledger, log_folder
from billing.metering.record import encode
from billing.metering.shipper import Shipper
from billing.metering.usage_log import UsageLog

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GARBAGE = b"\xff" * 64


def metric(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


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
    before = metric("shelfwise_usage_bad_records_total")
    (tmp_path / "host-a.usage").write_bytes(
        encode(make_call(1)) + GARBAGE + encode(make_call(3)) + GARBAGE[:30]
    )
    assert shipper.ship_all() == 2
    assert usage_database.rows(
        "SELECT shipped_bytes, last_sequence, bad_records, sequence_holes FROM billing_usagesource"
    ) == [(3 * 64, 3, 1, 1)]
    assert metric("shelfwise_usage_bad_records_total") == before + 1
    assert [path.name for path in tmp_path.iterdir()] == ["host-a.usage.damaged"]


def test_a_log_that_was_put_away_is_compressed_and_later_removed(
    shipper: Shipper,
    make_call: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = b"".join(encode(make_call(number)) for number in range(1, 101))
    (tmp_path / "host-a.usage").write_bytes(records)
    monkeypatch.setattr(log_folder, "COMPRESS_AFTER_SECONDS", -1)
    shipper.ship_all()
    (packed,) = tmp_path.iterdir()
    assert packed.name == "host-a.usage.shipped.gz"
    assert gzip.decompress(packed.read_bytes()) == records
    assert packed.stat().st_size < len(records) / 2
    monkeypatch.setattr(log_folder, "KEEP_SHIPPED_SECONDS", -1)
    shipper.ship_all()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compress_after", [3600, -1])
def test_a_log_can_be_brought_back(
    shipper: Shipper,
    make_call: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compress_after: int,
) -> None:
    monkeypatch.setattr(log_folder, "COMPRESS_AFTER_SECONDS", compress_after)
    (tmp_path / "host-a.usage").write_bytes(encode(make_call(1)))
    shipper.ship_all()

    assert log_folder.bring_back(tmp_path, "host-a.usage")

    assert [path.name for path in tmp_path.iterdir()] == ["host-a.usage"]
    assert (tmp_path / "host-a.usage").read_bytes() == encode(make_call(1))
    assert not log_folder.bring_back(tmp_path, "host-b.usage")


def test_a_shipper_tells_how_far_it_is(shipper: Shipper, usage_database: Any) -> None:
    before = datetime.now(tz=UTC)
    shipper.ship_all()

    ((host, shipped_up_to),) = usage_database.rows("SELECT * FROM billing_usageshipper")
    assert host == (platform.node() or "localhost")
    assert shipped_up_to >= before.replace(microsecond=0)


def test_a_shipper_that_leaves_with_nothing_behind_is_not_missed(
    shipper: Shipper, usage_database: Any
) -> None:
    stop = threading.Event()
    stop.set()
    shipper.ship_all()
    shipper.run(stop)

    assert usage_database.rows("SELECT host FROM billing_usageshipper") == []


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
        assert "terminat" in (shipper.round_problem() or "")
        assert metric("shelfwise_usage_unshipped_bytes") == 1 * 64
        shipper._database_url = f"host={tmp_path} dbname=nowhere"
        pauses += [shipper._try_round() for _ in range(8)]
        assert pauses[0] <= 0.5
        assert 5 <= pauses[-1] <= 10
        shipper._database_url = usage_database.app_url
        assert shipper._try_round() == 0.25
    assert shipper.round_problem() is None
    assert metric("shelfwise_usage_unshipped_bytes") == 0
    assert usage_database.buckets() == [(7, "03-01 12", 1, 2, 2)]


def test_an_unreadable_log_does_not_hold_up_the_others(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "host-a.usage").mkdir()
    (tmp_path / "host-b.usage").write_bytes(encode(make_call(1)))
    shipper._try_round()
    assert "Is a directory" in (shipper.round_problem() or "")
    assert usage_database.offsets() == {"host-b.usage": 64}


def test_a_ledger_far_behind_is_reported(shipper: Shipper) -> None:
    assert shipper.lag_problem() is None
    shipper._shipped_up_to -= 61
    assert (shipper.lag_problem() or "").startswith("The ledger is 61 s behind")
    assert metric("shelfwise_usage_lag_seconds") >= 61


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
