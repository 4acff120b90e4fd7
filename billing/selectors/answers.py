"""How an environment's calls were answered, by UTC day, from roll-ups; run on the platform."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import Min, Sum
from django.db.models.functions import TruncDay

from billing.metering.record import step_bounds
from billing.models.usage import UsageBucket, UsageLatency


@dataclass(frozen=True, slots=True)
class AnsweredDay:
    """A UTC day with calls.

    Attributes
    ----------
    fallbacks
        Calls that were answered with something else than asked for, such as popular items.
    p50_ms, p95_ms
        How long half of the answers took at most, and 19 of 20, to about a tenth; None where no
        call's time is known.
    """

    day: date
    calls: int
    fallbacks: int
    p50_ms: float | None
    p95_ms: float | None


def answered_days(
    *, environment_id: int, since: datetime, until: datetime
) -> tuple[AnsweredDay, ...]:
    """Return the days with calls, oldest first; both moments begin a UTC day."""
    counted = (
        UsageBucket.objects.filter(environment_id=environment_id, hour__gte=since, hour__lt=until)
        .annotate(day=TruncDay("hour", tzinfo=UTC))
        .values_list("day")
        .annotate(all_calls=Sum("calls"), all_fallbacks=Sum("fallbacks"))
        .order_by("day")
    )
    timed = defaultdict(list)
    for day, step, calls in UsageLatency.objects.filter(
        environment_id=environment_id, day__gte=since.date(), day__lt=until.date()
    ).values_list("day", "step", "calls"):
        timed[day].append((step, calls))
    return tuple(
        AnsweredDay(
            day=moment.date(),
            calls=calls,
            fallbacks=fallbacks,
            p50_ms=percentile_ms(timed[moment.date()], share=0.5),
            p95_ms=percentile_ms(timed[moment.date()], share=0.95),
        )
        for moment, calls, fallbacks in counted.values_list("day", "all_calls", "all_fallbacks")
    )


def first_answered_hour(*, environment_id: int) -> datetime | None:
    """Return the beginning of the hour of the first call, None before any."""
    hours = UsageBucket.objects.filter(environment_id=environment_id).aggregate(first=Min("hour"))
    first: datetime | None = hours["first"]
    return first


def percentile_ms(steps: Iterable[tuple[int, int]], *, share: float) -> float | None:
    """Return within how many milliseconds a share of the calls was answered.

    Within a step, calls count as spread evenly.

    Parameters
    ----------
    steps
        Steps of a record's scale, and the calls of each.
    share
        Over 0, at most 1.

    Examples
    --------
    Four of 16 calls in the first step, 12 in the second: half of all are 4 of those 12 in.

    >>> round(percentile_ms([(2, 12), (1, 4)], share=0.5), 4) == round(
    ...     step_bounds(2)[0] + (step_bounds(2)[1] - step_bounds(2)[0]) * 4 / 12, 4)
    True
    """
    ordered = sorted(steps)
    wanted = share * sum(calls for _, calls in ordered)
    for step, calls in ordered:
        if wanted <= calls:
            low, high = step_bounds(step)
            return low + (high - low) * wanted / calls
        wanted -= calls
    return None
