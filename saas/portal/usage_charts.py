"""The figures of a period's usage: calls by day, and how they add up to what is included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from billing.selectors.account import Account
from billing.selectors.explained import ExplainedHour
from saas.portal.charts import Chart, Series

_DAY = timedelta(days=1)


def usage_charts(stands: Account, hours: Sequence[ExplainedHour], *, now: datetime) -> list[Chart]:
    """Return both figures of a period; `hours` are all of it that there were calls in."""
    days = _days(stands)
    charged: dict[date, int] = defaultdict(int)
    uncharged: dict[date, int] = defaultdict(int)
    for hour in hours:
        day = hour.start.astimezone(UTC).date()
        charged[day] += hour.units + hour.adjusted
        uncharged[day] += hour.calls - hour.units
    period = f"{_written(days[0])} to {_written(days[-1])}, days of UTC"
    empty = (
        "No call in this period yet. Send POST /v1/recommend/for-user with a live key; Get started "
        "has it ready to copy."
    )
    by_day = Chart(
        title="Calls by day",
        kind="stacked",
        period=period,
        x_title="Day",
        y_title="Calls",
        x=[day.isoformat() for day in days] if hours else (),
        series=(
            Series("Charged", [charged[day] for day in days] if hours else ()),
            Series("Not charged", [uncharged[day] for day in days] if hours else ()),
        ),
        empty=empty,
    )
    today = now.astimezone(UTC).date()
    past = [day for day in days if day <= today]
    so_far = list(accumulate(charged[day] for day in past))
    series = [
        Series("Charged so far", [*so_far, *([None] * (len(days) - len(past)))]),
        Series("Projected", _projected(days, past, so_far, stands.projected)),
    ]
    if stands.included is not None:
        series.append(Series("Included", [stands.included] * len(days)))
    adding_up = Chart(
        title="Charged calls adding up, beside what is included",
        kind="line",
        period=period,
        x_title="Day",
        y_title="Calls since the period began",
        x=[day.isoformat() for day in days] if hours else (),
        series=series if hours else (),
        empty=empty,
    )
    return [by_day, adding_up]


def _days(stands: Account) -> list[date]:
    first = stands.period_start.astimezone(UTC).date()
    # A period ends with the moment at which the next one begins.
    last = (stands.period_end - timedelta(microseconds=1)).astimezone(UTC).date()
    return [first + _DAY * number for number in range((last - first).days + 1)]


def _projected(
    days: Sequence[date], past: Sequence[date], so_far: Sequence[int], end: int
) -> list[float | None]:
    """Return a straight line from today to the projection; nothing before today."""
    if not past or len(past) == len(days):
        return [None] * len(days)
    left = len(days) - len(past)
    step = (end - so_far[-1]) / left
    line = [so_far[-1] + step * number for number in range(left + 1)]
    return [*([None] * (len(past) - 1)), *line]


def _written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
