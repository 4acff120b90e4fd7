"""What becomes of model versions after training: which goes live, comes back, or is thrown away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.core.gate import GateDecision

ModelStatus = Literal["champion", "challenger", "retired", "rejected"]

# A shop notices a bad model within days; three trainings back is as far as anybody goes.
KEPT_VERSIONS = 3


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """What is known of a version apart from its numbers.

    Attributes
    ----------
    version : str
        A ULID, so later versions sort after earlier ones.
    has_passed_gate : bool
    promoted_at : datetime or None
        When it last became live.
    has_artifact : bool
        Whether it could still be served.
    is_update : bool
        Whether it brought another version up to date.
    """

    version: str
    has_passed_gate: bool
    promoted_at: datetime | None
    has_artifact: bool
    is_update: bool = False


@dataclass(frozen=True, slots=True)
class GoingLive:
    """Whether a newly trained version goes live, with a reason that a shop owner can read."""

    goes_live: bool
    reason: str


def model_status(record: VersionRecord, *, live_version: str | None) -> ModelStatus:
    """Return the version's status as the contract names it.

    >>> passed = VersionRecord("01B", has_passed_gate=True, promoted_at=None, has_artifact=True)
    >>> model_status(passed, live_version="01A")
    'challenger'
    >>> model_status(passed, live_version="01B")
    'champion'
    """
    if record.version == live_version:
        return "champion"
    if record.promoted_at is not None:
        return "retired"
    if not record.has_passed_gate:
        return "rejected"
    return "challenger" if record.has_artifact else "retired"


def decide_going_live(
    gate: GateDecision,
    *,
    is_pinned: bool,
    auto_promote: bool,
    champion_compared_with: str | None,
    live_version: str | None,
    is_live_outdated: bool = False,
) -> GoingLive:
    """Decide whether a version that has just been trained goes live by itself.

    Parameters
    ----------
    gate : GateDecision
    is_pinned, auto_promote : bool
        What the store has decided about its live version and about promotion.
    champion_compared_with, live_version : str or None
        The version that was live when the training read it, and the one that is live now.
    is_live_outdated : bool
        The live version's files are of a format that nothing reads any more: whatever the store
        has decided about it, shoppers are not served by it.
    """
    if not gate.promote:
        return GoingLive(goes_live=False, reason=gate.reason)
    if is_live_outdated:
        return GoingLive(True, f"{gate.reason} The version before it could no longer be opened.")
    if is_pinned:
        return GoingLive(False, f"{gate.reason} It waits, because the live version is pinned.")
    if not auto_promote:
        return GoingLive(False, f"{gate.reason} It waits, because automatic promotion is off.")
    if live_version != champion_compared_with:
        return GoingLive(
            False, f"{gate.reason} It waits, because the live version changed during the training."
        )
    return GoingLive(goes_live=True, reason=gate.reason)


def version_before(records: Iterable[VersionRecord], *, live_version: str) -> str | None:
    """Return the version that a rollback goes to, or None where there is none.

    Of the versions older than the live one, the one that was live last: a second rollback goes
    further back, and a version that was itself rolled back is not returned to.
    """
    candidates = [
        (record.promoted_at, record.version)
        for record in records
        if record.promoted_at is not None and record.has_artifact and record.version < live_version
    ]
    return max(candidates)[1] if candidates else None


def versions_to_remove(records: Iterable[VersionRecord], *, live_version: str | None) -> list[str]:
    """Return the versions whose artifacts nobody will ask for again.

    Kept are the live one, the newest, and those that were live last (what a rollback needs); and
    the same of trainings alone, since a day's updates would crowd them out.
    """
    stored = [record for record in records if record.has_artifact]
    kept = {live_version}
    for group in (stored, [record for record in stored if not record.is_update]):
        kept.update(sorted(record.version for record in group)[-KEPT_VERSIONS:])
        once_live = sorted(
            (record.promoted_at, record.version)
            for record in group
            if record.promoted_at is not None
        )
        kept.update(version for _, version in once_live[-KEPT_VERSIONS:])
    return sorted(record.version for record in stored if record.version not in kept)
