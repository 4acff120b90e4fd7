from __future__ import annotations

import os
from pathlib import Path

import pytest

from saas.embedded.record import Record, RecordedProcess, read_record, recorded_self


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    web = RecordedProcess(pid=7, started="boot:1", stop_signal=2, grace_seconds=20.0)
    record = Record(supervisor=recorded_self(), services={"web": web})
    record.write(tmp_path / "pids.json")

    assert read_record(tmp_path / "pids.json") == record


@pytest.mark.parametrize("content", ['{"supervisor": {"pid":', "[]", '{"supervisor": null}'])
def test_an_unreadable_record_is_taken_for_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "pids.json").write_text(content)

    assert read_record(tmp_path / "pids.json") == Record(supervisor=None, services={})


def test_a_process_is_known_by_its_id_and_its_start(tmp_path: Path) -> None:
    assert recorded_self().is_alive
    assert not RecordedProcess(pid=os.getpid(), started="another").is_alive
