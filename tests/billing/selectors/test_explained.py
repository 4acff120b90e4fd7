"""A line of an invoice is explained by hours, and an hour by single calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from billing.metering.record import Operation, UsageFlag, encode
from billing.metering.shipper import Shipper
from billing.models.adjustment import UsageAdjustment
from billing.models.usage import UsageBucket
from billing.selectors.account import billable_units
from billing.selectors.explained import ExplainedHour, billed_calls, billed_hours
from tenants.context import on_platform

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def shipped(shipper: Shipper, make_call: Callable[..., Any], tmp_path: Path) -> list[str]:
    """Three calls at noon, one of them for nothing, one at one o'clock; the charged ones' ids."""
    noon_ms = int(NOON.timestamp() * 1000)
    calls = [
        make_call(1, at_ms=noon_ms),
        make_call(2, at_ms=noon_ms + 1_000, flags=UsageFlag.FALLBACK),
        make_call(3, at_ms=noon_ms + 3_599_999, operation=Operation.CART),
        make_call(4, at_ms=noon_ms + 3_600_000),
        make_call(5, at_ms=noon_ms + 5, environment_id=8),
    ]
    (tmp_path / "host-a.usage").write_bytes(b"".join(encode(call) for call in calls))
    shipper.ship_all()
    return [str(ULID(call.call_id)) for call in (calls[0], calls[2], calls[3])]


def test_an_hour_is_explained_to_the_single_call(shipped: list[str]) -> None:
    with on_platform():
        noon = billed_calls(environment_id=7, hour=NOON, after=None, limit=10)
        later = billed_calls(environment_id=7, hour=NOON + HOUR, after=None, limit=10)

    assert [call.recommendation_id for call in (*noon, *later)] == shipped
    # The last millisecond of an hour is of that hour, the next one's first of the next.
    assert [call.at for call in noon] == [NOON, NOON + HOUR - timedelta(milliseconds=1)]
    assert [call.operation for call in noon] == [Operation.FOR_USER, Operation.CART]


def test_calls_come_in_pages(shipped: list[str]) -> None:
    with on_platform():
        (first,) = billed_calls(environment_id=7, hour=NOON, after=None, limit=1)
        (second,) = billed_calls(
            environment_id=7, hour=NOON, after=first.recommendation_id, limit=1
        )

    assert [first.recommendation_id, second.recommendation_id] == shipped[:2]


def test_a_period_is_explained_by_its_hours_to_the_unit(database: None) -> None:
    with on_platform():
        for operation, units in ((1, 5), (2, 6)):
            UsageBucket.objects.create(
                environment_id=7, hour=NOON, operation=operation, calls=10, units=units
            )
        for hour, units in ((NOON, -3), (NOON + HOUR, 2)):
            UsageAdjustment.objects.create(
                environment_id=7, hour=hour, units=units, reason="outage", actor="staff:eve"
            )
        until = NOON + 2 * HOUR
        hours = billed_hours(environment_id=7, since=NOON, until=until)

        assert hours == (
            ExplainedHour(NOON, calls=20, units=11, adjusted=-3),
            ExplainedHour(NOON + HOUR, calls=0, units=0, adjusted=2),
        )
        explained = sum(each.units + each.adjusted for each in hours)
        assert explained == billable_units(environment_id=7, since=NOON, until=until)
