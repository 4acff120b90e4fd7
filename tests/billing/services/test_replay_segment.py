"""Staff have a usage log shipped once more: what was lost comes back, nothing counts twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billing.metering.record import encode
from billing.metering.shipper import Shipper
from billing.services.replay_segment import replay_segment
from saas.lib.errors import Conflict, InvalidParameter, NotFound
from saas.lib.ids import new_ulid
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent

BY = {"actor": "staff:eve@shelfwise.example", "reason": "A restored database."}
COUNTED = [(7, "03-01 12", 1, 3, 3)]


@pytest.fixture
def name(shipper: Shipper, make_call: Callable[..., Any], tmp_path: Path) -> str:
    """A log that was shipped and put away."""
    name = f"host-a-{new_ulid()}.usage"
    (tmp_path / name).write_bytes(b"".join(encode(make_call(number)) for number in (1, 2, 3)))
    assert shipper.ship_all() == 3
    return name


def test_a_replayed_log_brings_back_what_was_lost_and_counts_nothing_twice(
    shipper: Shipper, usage_database: Any, name: str, tmp_path: Path
) -> None:
    replay_segment(name=name, folder=tmp_path, **BY)
    assert shipper.ship_all() == 0
    assert usage_database.buckets() == COUNTED

    with psycopg.connect(usage_database.owner_url) as owner:
        owner.execute("TRUNCATE billing_usageledger, billing_usagebucket")
    replay_segment(name=name, folder=tmp_path, **BY)
    # An operator may be impatient.
    replay_segment(name=name, folder=tmp_path, **BY)
    assert shipper.ship_all() == 3

    assert usage_database.buckets() == COUNTED
    with on_platform():
        audit = AuditEvent.objects.filter(object=f"usage_log:{name}").order_by("pk")
        assert [each.before["shipped_bytes"] for each in audit] == [3 * 64, 3 * 64, 0]


def test_what_cannot_be_replayed_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="Say why"):
        replay_segment(name=name, folder=tmp_path, actor="staff:eve", reason="")
    with pytest.raises(NotFound, match="run this on its host"):
        replay_segment(name=name, folder=tmp_path / "elsewhere", **BY)
    with pytest.raises(NotFound, match="knows no usage log"):
        replay_segment(name=f"host-b-{new_ulid()}.usage", folder=tmp_path, **BY)


@pytest.mark.parametrize("name", ["host-a-01HX0000000000000000000000.usage", "nonsense"])
def test_a_log_that_the_ledger_may_have_forgotten_is_refused(
    migrated: None, tmp_path: Path, name: str
) -> None:
    with pytest.raises(Conflict, match="40 days"):
        replay_segment(name=name, folder=tmp_path, **BY)
