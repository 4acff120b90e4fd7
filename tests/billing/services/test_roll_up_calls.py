"""Calls by day of all stores are one row each, added up by the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from billing.metering.record import Operation
from billing.models.usage import UsageBucket
from billing.services.roll_up_calls import roll_up_calls, roll_up_late_calls
from tenants.models.environment import Environment
from tenants.models.roll_up import EnvironmentDay

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def count(shop: Environment, at: datetime, operation: int, calls: int, units: int) -> None:
    UsageBucket.objects.create(
        environment_id=shop.pk, hour=at, operation=operation, calls=calls, units=units
    )


def of_days(shop: Environment) -> dict[int, tuple[int, int]]:
    rows = EnvironmentDay.objects.filter(environment=shop)
    return {(TODAY.date() - row.day).days: (row.calls, row.units) for row in rows}


def test_today_and_yesterday_are_added_up_and_older_days_once_an_hour(acorn: Environment) -> None:
    count(acorn, TODAY, Operation.POPULAR, 10, 8)
    count(acorn, TODAY, Operation.SIMILAR, 5, 5)
    count(acorn, TODAY - timedelta(hours=1), Operation.SIMILAR, 3, 2)
    count(acorn, TODAY - timedelta(days=30), Operation.SIMILAR, 7, 7)
    assert roll_up_calls() >= 2
    assert of_days(acorn) == {0: (15, 13), 1: (3, 2)}
    roll_up_late_calls()
    assert of_days(acorn)[30] == (7, 7)


def test_what_has_not_changed_is_not_written_again(acorn: Environment) -> None:
    count(acorn, TODAY, Operation.POPULAR, 10, 8)
    roll_up_calls()
    assert roll_up_calls() == 0
    UsageBucket.objects.filter(environment_id=acorn.pk).update(calls=11)
    assert roll_up_calls() == 1
    assert of_days(acorn) == {0: (11, 8)}
