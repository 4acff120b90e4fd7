from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.metering.record import step_bounds
from billing.models.usage import UsageBucket, UsageLatency
from billing.selectors.answers import answered_days, first_answered_hour, percentile_ms

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
# Of no store that another test has made.
OURS, OTHER, EMPTY = 7_000_001, 7_000_002, 7_000_003


@pytest.fixture
def answered(database: None) -> Callable[..., None]:
    """Count calls of our environment, or another."""

    def count(
        hour: datetime,
        *,
        calls: int,
        fallbacks: int = 0,
        operation: int = 1,
        environment: int = OURS,
    ) -> None:
        UsageBucket.objects.create(
            environment_id=environment,
            hour=hour,
            operation=operation,
            calls=calls,
            units=0,
            fallbacks=fallbacks,
        )

    return count


def test_a_day_sums_its_hours_and_operations_and_no_other_environments(
    answered: Callable[..., None],
) -> None:
    answered(MIDNIGHT - timedelta(hours=1), calls=1)
    answered(MIDNIGHT, calls=10, fallbacks=4)
    answered(MIDNIGHT, calls=3, operation=2)
    answered(MIDNIGHT + timedelta(hours=23), calls=5, fallbacks=1)
    answered(MIDNIGHT + timedelta(hours=24), calls=7)
    answered(MIDNIGHT, calls=100, environment=OTHER)

    [day] = answered_days(environment_id=OURS, since=MIDNIGHT, until=MIDNIGHT + timedelta(days=1))
    assert (day.day, day.calls, day.fallbacks) == (date(2026, 3, 1), 10 + 3 + 5, 4 + 1)
    assert (day.p50_ms, day.p95_ms) == (None, None)


def test_a_days_percentiles_are_of_that_day_and_environment(
    answered: Callable[..., None],
) -> None:
    for days in (0, 1):
        answered(MIDNIGHT + timedelta(days=days), calls=100)
    for environment, day, step, calls in [
        (OURS, 1, 18, 95),
        (OURS, 1, 30, 5),
        (OURS, 2, 40, 9),
        (OTHER, 1, 50, 9),
    ]:
        UsageLatency.objects.create(
            environment_id=environment, day=date(2026, 3, day), step=step, calls=calls
        )

    first, second = answered_days(
        environment_id=OURS, since=MIDNIGHT, until=MIDNIGHT + timedelta(days=2)
    )
    low, high = step_bounds(18)
    assert first.p50_ms == pytest.approx(low + (high - low) * 50 / 95)
    assert first.p95_ms == pytest.approx(high)
    assert second.p95_ms == pytest.approx(
        step_bounds(40)[0] + (step_bounds(40)[1] - step_bounds(40)[0]) * 0.95
    )


def test_without_calls_there_is_no_day_and_no_percentile(database: None) -> None:
    assert answered_days(environment_id=OURS, since=MIDNIGHT, until=datetime.now(UTC)) == ()
    assert percentile_ms([], share=0.5) is None


def test_the_first_hour_is_the_oldest_of_the_environment(answered: Callable[..., None]) -> None:
    answered(MIDNIGHT + timedelta(hours=5), calls=1)
    answered(MIDNIGHT + timedelta(hours=2), calls=1)
    answered(MIDNIGHT, calls=1, environment=OTHER)
    assert first_answered_hour(environment_id=OURS) == MIDNIGHT + timedelta(hours=2)
    assert first_answered_hour(environment_id=EMPTY) is None
