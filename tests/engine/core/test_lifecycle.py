"""What becomes of versions: status, going live, rolling back, being thrown away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.core.gate import GateDecision
from engine.core.lifecycle import (
    VersionRecord,
    decide_going_live,
    model_status,
    version_before,
    versions_to_remove,
)

PASSED = GateDecision(promote=True, reason="Better.")
FAILED = GateDecision(promote=False, reason="Worse.")


def record(
    version: str, *, passed: bool = True, live_on: int | None = None, stored: bool = True
) -> VersionRecord:
    promoted_at = None if live_on is None else datetime(2026, 11, live_on, tzinfo=UTC)
    return VersionRecord(version, passed, promoted_at, stored)


@pytest.mark.parametrize(
    ("version", "status"),
    [
        (record("05", live_on=5), "champion"),
        (record("04", live_on=4), "retired"),
        (record("06"), "challenger"),
        (record("06", passed=False), "rejected"),
        (record("03", passed=False, live_on=3), "retired"),
        (record("02", stored=False), "retired"),
    ],
)
def test_a_versions_status_follows_from_the_live_one(version: VersionRecord, status: str) -> None:
    assert model_status(version, live_version="05") == status


def test_a_rejected_version_that_somebody_promoted_is_the_champion() -> None:
    assert model_status(record("05", passed=False, live_on=5), live_version="05") == "champion"


def decide(gate: GateDecision, **changes: object) -> tuple[bool, str]:
    facts = {
        "is_pinned": False,
        "auto_promote": True,
        "champion_compared_with": "04",
        "live_version": "04",
    }
    decision = decide_going_live(gate, **(facts | changes))  # type: ignore[arg-type]
    return decision.goes_live, decision.reason


def test_what_passed_the_gate_goes_live() -> None:
    assert decide(PASSED) == (True, "Better.")


def test_what_failed_the_gate_does_not() -> None:
    assert decide(FAILED) == (False, "Worse.")


@pytest.mark.parametrize(
    ("fact", "because"),
    [
        ({"is_pinned": True}, "pinned"),
        ({"auto_promote": False}, "automatic promotion is off"),
        # Somebody promoted another version while this one was compared with the old one.
        ({"live_version": "03"}, "changed during the training"),
    ],
)
def test_what_passed_the_gate_waits_where_the_store_says_so(
    fact: dict[str, object], because: str
) -> None:
    goes_live, reason = decide(PASSED, **fact)
    assert not goes_live
    assert because in reason


def test_a_rollback_goes_to_what_was_live_before() -> None:
    records = [record("01", live_on=1), record("02", live_on=2), record("03")]
    assert version_before([*records, record("04", live_on=4)], live_version="04") == "02"


def test_a_second_rollback_goes_further_back_and_not_forward_again() -> None:
    # 03 was live on the 3rd; on the 4th it was rolled back to 02.
    records = [record("01", live_on=1), record("02", live_on=4), record("03", live_on=3)]
    assert version_before(records, live_version="02") == "01"


def test_a_version_that_was_rolled_back_is_not_returned_to() -> None:
    records = [record("01", live_on=1), record("02", live_on=4), record("03", live_on=3)]
    assert version_before([*records, record("05", live_on=5)], live_version="05") == "02"


def test_there_is_no_way_back_to_a_removed_version_or_before_the_first() -> None:
    records = [record("01", live_on=1, stored=False), record("02", live_on=2)]
    assert version_before(records, live_version="02") is None


def test_the_live_the_newest_three_and_the_last_three_that_were_live_are_kept() -> None:
    records = [
        record("01", live_on=1),
        record("02", live_on=2),
        record("03", live_on=3),
        record("04", live_on=4),
        *(record(f"1{number}", passed=False) for number in range(5)),
    ]
    assert versions_to_remove(records, live_version="01") == ["10", "11"]
    assert versions_to_remove(records, live_version="04") == ["01", "10", "11"]


def test_a_removed_version_is_not_removed_again() -> None:
    records = [record(f"1{number}", stored=False) for number in range(9)]
    assert versions_to_remove(records, live_version=None) == []


def test_a_days_updates_do_not_crowd_out_the_trainings_before_them() -> None:
    trainings = [record(f"0{day}", live_on=day) for day in range(1, 6)]
    updates = [replace(record(f"1{day}", live_on=day), is_update=True) for day in range(6, 10)]
    gone = versions_to_remove([*trainings, *updates], live_version="19")
    assert gone == ["01", "02", "16"]
