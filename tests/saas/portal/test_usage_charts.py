"""The figures of a period: each day, how days add up, and the line to where they lead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from billing.selectors.account import Account
from billing.selectors.explained import ExplainedHour
from saas.portal.charts import Chart
from saas.portal.usage_charts import usage_charts

FIRST, LAST = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 6, tzinfo=UTC)


def period(**changes: Any) -> Account:
    """A period of five days, on whose third 70 calls are projected, of 100 included."""
    values = dict.fromkeys(Account.__dataclass_fields__)
    values |= {"period_start": FIRST, "period_end": LAST, "projected": 70, "included": 100}
    return Account(**{**values, **changes})


def hour(day: int, at: int, *, calls: int, units: int, adjusted: int = 0) -> ExplainedHour:
    return ExplainedHour(datetime(2026, 2, day, at, tzinfo=UTC), calls, units, adjusted)


def values_of(chart: Chart) -> dict[str, list[float | None]]:
    return {each.name: list(each.values) for each in chart.series}


HOURS = [
    hour(1, 0, calls=10, units=10),
    hour(1, 23, calls=5, units=4),
    hour(3, 9, calls=30, units=20, adjusted=-4),
]
NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)


def test_a_day_sums_its_hours_and_what_staff_took_off_is_not_charged() -> None:
    by_day, _ = usage_charts(period(), HOURS, now=NOW)
    assert list(by_day.x) == [f"2026-02-0{day}" for day in (1, 2, 3, 4, 5)]
    assert values_of(by_day) == {
        "Charged": [10 + 4, 0, 20 - 4, 0, 0],
        # 5 - 4, and 30 - 20.
        "Not charged": [1, 0, 10, 0, 0],
    }


def test_days_add_up_to_today_and_a_line_leads_from_there_to_the_projection() -> None:
    _, adding_up = usage_charts(period(), HOURS, now=NOW)
    assert values_of(adding_up) == {
        "Charged so far": [14, 14, 30, None, None],
        # 70 - 30 over two days.
        "Projected": [None, None, 30, 50, 70],
        "Included": [100] * 5,
    }


def test_on_the_last_day_nothing_is_left_to_project() -> None:
    last = datetime(2026, 2, 5, 23, tzinfo=UTC)
    _, adding_up = usage_charts(period(included=None), HOURS, now=last)
    assert values_of(adding_up) == {
        "Charged so far": [14, 14, 30, 30, 30],
        "Projected": [None] * 5,
    }


def test_a_period_that_begins_within_a_day_has_that_day() -> None:
    bought = datetime(2026, 2, 1, 15, 30, tzinfo=UTC)
    by_day, _ = usage_charts(period(period_start=bought), HOURS, now=NOW)
    assert len(by_day.x) == 5


def test_without_calls_both_say_what_to_send() -> None:
    charts = usage_charts(period(), [], now=NOW)
    assert [chart.is_empty for chart in charts] == [True, True]
    assert all("POST /v1/recommend/for-user" in chart.empty for chart in charts)
