"""Reads what an environment used in a period, from the hourly buckets; run on the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from django.db.models import Sum
from django.db.models.functions import TruncDay

from billing.metering.record import Operation, tag_of
from billing.models.usage import UsageBucket, UsageDetail, UsageLabel
from tenants.models.api_key import ApiKey

if TYPE_CHECKING:
    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class TimedUsage:
    """What was used from `start`, the beginning of an hour or a day."""

    start: datetime
    calls: int
    units: int


@dataclass(frozen=True, slots=True)
class OperationUsage:
    """What was used of one kind of recommendation."""

    operation: Operation
    calls: int
    units: int


@dataclass(frozen=True, slots=True)
class NamedUsage:
    """What was used under a name; None: without one."""

    name: str | None
    calls: int
    units: int


def usage_by_hour(
    *, environment_id: int, since: datetime, until: datetime
) -> tuple[TimedUsage, ...]:
    """Return the hours with calls from `since` to before `until`, oldest first."""
    rows = (
        _period(environment_id, since, until)
        .values("hour")
        .annotate(all_calls=Sum("calls"), all_units=Sum("units"))
        .order_by("hour")
    )
    return tuple(
        TimedUsage(start=row["hour"], calls=row["all_calls"], units=row["all_units"])
        for row in rows
    )


def usage_by_day(
    *, environment_id: int, since: datetime, until: datetime, timezone: tzinfo = UTC
) -> tuple[TimedUsage, ...]:
    """Return the days with calls, oldest first, as the store's clock cuts them.

    In a zone that is off by half an hour, an hour goes to the day in which it begins.
    """
    rows = (
        _period(environment_id, since, until)
        .annotate(day=TruncDay("hour", tzinfo=timezone))
        .values("day")
        .annotate(all_calls=Sum("calls"), all_units=Sum("units"))
        .order_by("day")
    )
    return tuple(
        TimedUsage(start=row["day"], calls=row["all_calls"], units=row["all_units"]) for row in rows
    )


def usage_by_operation(
    *, environment_id: int, since: datetime, until: datetime
) -> tuple[OperationUsage, ...]:
    """Return the kinds of recommendation that were called, in the order of their codes."""
    rows = (
        _period(environment_id, since, until)
        .values("operation")
        .annotate(all_calls=Sum("calls"), all_units=Sum("units"))
        .order_by("operation")
    )
    return tuple(
        OperationUsage(
            operation=Operation(row["operation"]), calls=row["all_calls"], units=row["all_units"]
        )
        for row in rows
    )


def usage_by_placement(
    *, environment_id: int, since: datetime, until: datetime
) -> tuple[NamedUsage, ...]:
    """Return the placements that calls named, those without one last as None."""
    names = dict(
        UsageLabel.objects.filter(environment_id=environment_id).values_list("tag", "name")
    )
    rows = _by_tag("placement_tag", environment_id, since, until)
    found = [NamedUsage(names.get(tag), calls, units) for tag, calls, units in rows]
    return tuple(sorted(found, key=lambda each: (each.name is None, each.name or "")))


def usage_by_key(
    *, environment_id: int, since: datetime, until: datetime
) -> tuple[NamedUsage, ...]:
    """Return the ids of the API keys that called, revoked ones too."""
    ids = ApiKey.objects.filter(environment_id=environment_id).values_list("pk", flat=True)
    names = {tag_of(each): each for each in ids}
    rows = _by_tag("key_tag", environment_id, since, until)
    found = [NamedUsage(names.get(tag), calls, units) for tag, calls, units in rows]
    return tuple(sorted(found, key=lambda each: each.name or ""))


def _by_tag(
    column: str, environment_id: int, since: datetime, until: datetime
) -> list[tuple[int, int, int]]:
    hours = UsageDetail.objects.filter(
        environment_id=environment_id, hour__gte=since, hour__lt=until
    )
    rows = hours.values(column).annotate(all_calls=Sum("calls"), all_units=Sum("units"))
    return [(row[column], row["all_calls"], row["all_units"]) for row in rows.order_by(column)]


def _period(environment_id: int, since: datetime, until: datetime) -> QuerySet[UsageBucket]:
    return UsageBucket.objects.filter(
        environment_id=environment_id, hour__gte=since, hour__lt=until
    )
