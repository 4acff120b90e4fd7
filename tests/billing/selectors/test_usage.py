from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test.utils import CaptureQueriesContext

from billing.metering.record import Operation
from billing.models.usage import UsageBucket
from billing.selectors.usage import (
    OperationUsage,
    TimedUsage,
    usage_by_day,
    usage_by_hour,
    usage_by_operation,
)

ACORN, BIRCH = 7, 8
SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def at(day: int, hour: int, *, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.fixture
def _buckets(database: None) -> None:
    rows = [
        (ACORN, at(1, 0), Operation.FOR_USER, 10, 8),
        (ACORN, at(1, 0), Operation.SIMILAR, 5, 5),
        (ACORN, at(1, 23), Operation.SIMILAR, 2, 1),
        (ACORN, at(31, 23), Operation.FOR_USER, 3, 60),
        (ACORN, at(28, 23, month=2), Operation.FOR_USER, 100, 100),
        (ACORN, at(1, 0, month=4), Operation.FOR_USER, 100, 100),
        (BIRCH, at(1, 0), Operation.FOR_USER, 1000, 1000),
    ]
    UsageBucket.objects.bulk_create(
        UsageBucket(environment_id=environment, hour=hour, operation=kind, calls=calls, units=units)
        for environment, hour, kind, calls, units in rows
    )


pytestmark = pytest.mark.usefixtures("_buckets")


def test_hours_add_up_their_operations_and_end_before_the_period_does() -> None:
    assert usage_by_hour(environment_id=ACORN, since=SINCE, until=UNTIL) == (
        TimedUsage(start=at(1, 0), calls=10 + 5, units=8 + 5),
        TimedUsage(start=at(1, 23), calls=2, units=1),
        TimedUsage(start=at(31, 23), calls=3, units=60),
    )


def test_days_are_those_of_the_stores_clock() -> None:
    assert usage_by_day(environment_id=ACORN, since=SINCE, until=UNTIL) == (
        TimedUsage(start=at(1, 0), calls=10 + 5 + 2, units=8 + 5 + 1),
        TimedUsage(start=at(31, 0), calls=3, units=60),
    )
    berlin = ZoneInfo("Europe/Berlin")
    days = usage_by_day(environment_id=ACORN, since=SINCE, until=UNTIL, timezone=berlin)
    assert [(day.start.strftime("%m-%d %H:%M %Z"), day.calls) for day in days] == [
        ("03-01 00:00 CET", 10 + 5),
        ("03-02 00:00 CET", 2),
        ("04-01 00:00 CEST", 3),
    ]


def test_operations_are_told_apart() -> None:
    assert usage_by_operation(environment_id=ACORN, since=SINCE, until=UNTIL) == (
        OperationUsage(operation=Operation.FOR_USER, calls=10 + 3, units=8 + 60),
        OperationUsage(operation=Operation.SIMILAR, calls=5 + 2, units=5 + 1),
    )


def test_one_store_never_sees_anothers_usage() -> None:
    assert usage_by_operation(environment_id=BIRCH, since=SINCE, until=UNTIL) == (
        OperationUsage(operation=Operation.FOR_USER, calls=1000, units=1000),
    )
    assert usage_by_hour(environment_id=9, since=SINCE, until=UNTIL) == ()


@pytest.mark.parametrize("usage", [usage_by_hour, usage_by_day, usage_by_operation])
def test_usage_takes_one_query(usage: Callable[..., object]) -> None:
    from django.db import connection

    with CaptureQueriesContext(connection) as queries:
        usage(environment_id=ACORN, since=SINCE, until=UNTIL)
    assert len(queries) == 1
