from __future__ import annotations

from pathlib import Path

from api.inference.trend_files import NO_TRENDS, TrendFiles
from saas.lib.trends import TRENDS, Trends, write_trends


def trends(*item_ids: str) -> Trends:
    return Trends(last_event_id=7, rising={"24h": [(item_id, 1.0) for item_id in item_ids]})


def test_nothing_rises_where_nobody_has_counted_yet(tmp_path: Path) -> None:
    assert TrendFiles(tmp_path).of(1) is NO_TRENDS


def test_each_environment_has_its_own(tmp_path: Path) -> None:
    write_trends(tmp_path / "1", trends("acorn"))
    write_trends(tmp_path / "2", trends("birch"))
    files = TrendFiles(tmp_path)
    assert (files.of(1), files.of(2)) == (trends("acorn"), trends("birch"))


def test_a_file_is_read_once_until_another_takes_its_place(tmp_path: Path) -> None:
    write_trends(tmp_path / "1", trends("old"))
    files = TrendFiles(tmp_path)
    assert files.of(1) is files.of(1)
    write_trends(tmp_path / "1", trends("new", "newer"))
    assert files.of(1) == trends("new", "newer")
    files.forget(1)
    assert files.of(1) == trends("new", "newer")


def test_the_last_known_stay_when_a_file_is_none(tmp_path: Path) -> None:
    write_trends(tmp_path / "1", trends("lamp"))
    files = TrendFiles(tmp_path)
    known = files.of(1)
    (tmp_path / "1" / TRENDS).write_bytes(b"no trends")
    assert files.of(1) is known
    assert files.of(1) is known


def test_a_lost_file_leaves_nothing(tmp_path: Path) -> None:
    write_trends(tmp_path / "1", trends("lamp"))
    files = TrendFiles(tmp_path)
    assert files.of(1) == trends("lamp")
    (tmp_path / "1" / TRENDS).unlink()
    assert files.of(1) is NO_TRENDS
