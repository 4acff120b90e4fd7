from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billing.metering import log_folder, usage_log
from billing.metering.parse import Parsed, parse
from billing.metering.usage_log import UsageLog


def keep(log: UsageLog, number: int) -> bool:
    return log.append(
        call_id=number.to_bytes(16, "big"),
        environment_id=7,
        units=1,
        operation=1,
        flags=1,
        at_ms=1_772_366_400_000 + number,
    )


def kept(path: Path) -> Parsed:
    return parse(path.read_bytes(), last_sequence=0, skip_bad_tail=True)


def call_numbers(path: Path) -> list[int]:
    return [int.from_bytes(record.call_id) for record in kept(path).records]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[UsageLog]:
    log = UsageLog(tmp_path, "host-1")
    yield log
    log.close()


def only_file(folder: Path) -> Path:
    [path] = folder.iterdir()
    return path


def test_a_call_is_in_the_file_when_append_returns(log: UsageLog, tmp_path: Path) -> None:
    assert keep(log, 41)
    assert keep(log, 42)
    assert call_numbers(only_file(tmp_path)) == [41, 42]
    assert [record.sequence for record in kept(only_file(tmp_path)).records] == [1, 2]
    assert (log.recorded, log.unrecorded) == (2, 0)


def test_the_file_name_tells_the_host_and_each_start_has_its_own(tmp_path: Path) -> None:
    for number in (1, 2):
        log = UsageLog(tmp_path, "host-1")
        keep(log, number)
        log.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert all(name.startswith("host-1-") and name.endswith(".usage") for name in names)


def test_a_call_costs_one_write_and_neither_socket_nor_sql(
    log: UsageLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(log, 1)
    writes: list[int] = []
    write = os.write

    def counted(descriptor: int, data: bytes) -> int:
        writes.append(len(data))
        return write(descriptor, data)

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("The hot path must not talk to anyone.")

    for owner, name in (
        (socket, "socket"),
        (socket, "create_connection"),
        (psycopg, "connect"),
        (psycopg.Connection, "execute"),
        (psycopg.Cursor, "execute"),
    ):
        monkeypatch.setattr(owner, name, refused)
    monkeypatch.setattr(os, "write", counted)
    assert keep(log, 2)
    monkeypatch.undo()
    assert writes == [64]


def test_a_full_disk_leaves_the_call_unrecorded_and_no_hole(
    log: UsageLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(log, 1)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        assert not keep(log, 2)
        assert not keep(log, 3)
    assert keep(log, 4)
    assert (log.recorded, log.unrecorded) == (2, 2)
    assert call_numbers(only_file(tmp_path)) == [1, 4]
    assert kept(only_file(tmp_path)).sequence_holes == 0


def test_a_folder_that_takes_no_file_leaves_the_call_unrecorded(
    log: UsageLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        assert not keep(log, 1)
    assert keep(log, 2)
    assert call_numbers(only_file(tmp_path)) == [2]


def test_a_torn_write_does_not_shift_the_records_after_it(
    log: UsageLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(log, 1)
    write, truncate = os.write, os.ftruncate

    def torn(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:20])

    def refuse(descriptor: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", torn)
        assert not keep(log, 2)
        # Even where the torn bytes can only be cut off later.
        patched.setattr(os, "ftruncate", refuse)
        assert not keep(log, 3)
        patched.setattr(os, "write", write)
        assert not keep(log, 4)
        patched.setattr(os, "ftruncate", truncate)
        assert keep(log, 5)
    assert only_file(tmp_path).stat().st_size == 2 * 64
    assert call_numbers(only_file(tmp_path)) == [1, 5]


def test_a_full_file_is_followed_by_a_new_one(
    log: UsageLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_log, "ROTATE_BYTES", 2 * 64)
    for number in range(1, 6):
        keep(log, number)
    log.close()
    files = sorted(tmp_path.iterdir())
    assert sorted(map(call_numbers, files)) == [[1, 2], [3, 4], [5]]
    assert all(kept(path).sequence_holes == 0 for path in files)


def test_a_file_counts_as_finished_when_its_writer_has_closed_it(
    log: UsageLog, tmp_path: Path
) -> None:
    keep(log, 1)
    assert not log_folder.is_finished(only_file(tmp_path))
    log.close()
    assert log_folder.is_finished(only_file(tmp_path))


def test_a_closed_log_leaves_a_call_unrecorded(log: UsageLog, tmp_path: Path) -> None:
    keep(log, 1)
    log.close()
    assert not keep(log, 2)
    assert log.unrecorded == 1
    assert call_numbers(only_file(tmp_path)) == [1]


def test_new_calls_reach_the_disk_by_themselves(
    log: UsageLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = threading.Event()
    monkeypatch.setattr(usage_log, "_sync", lambda _: synced.set())
    keep(log, 1)
    assert synced.wait(timeout=5)


def test_an_idle_log_leaves_the_disk_alone(log: UsageLog, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(usage_log, "SYNC_SECONDS", 3600)
    monkeypatch.setattr(usage_log, "_sync", synced.append)
    keep(log, 1)
    log._sync_now()
    log._sync_now()
    assert len(synced) == 1
    keep(log, 2)
    log._sync_now()
    assert len(synced) == 2


def test_a_failing_disk_is_counted_and_the_log_goes_on(
    log: UsageLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(usage_log, "SYNC_SECONDS", 3600)
    with monkeypatch.context() as patched:
        patched.setattr(usage_log, "_sync", fail)
        keep(log, 1)
        log._sync_now()
    assert log.failed_syncs == 1
    assert keep(log, 2)


FORK = """
import os, sys
from pathlib import Path
from billing.metering.usage_log import UsageLog

log = UsageLog(Path(sys.argv[1]), "host-1")
keep = lambda number: log.append(call_id=number.to_bytes(16, "big"), environment_id=7, units=1,
                                 operation=1, flags=1, at_ms=number)
keep(1)
child = os.fork()
for number in range(2, 50):
    keep(number + (1000 if child == 0 else 0))
if child:
    os.waitpid(child, 0)
log.close()
"""


def test_a_forked_process_writes_a_file_of_its_own(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path)], check=True, timeout=30
    )
    parent, child = sorted(tmp_path.iterdir(), key=call_numbers)
    assert call_numbers(parent) == list(range(1, 50))
    assert call_numbers(child) == list(range(1002, 1050))
    assert kept(child).sequence_holes == kept(parent).sequence_holes == 0
