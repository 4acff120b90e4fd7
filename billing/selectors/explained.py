"""Explains a line of an invoice: its hours, and of an hour each call; run on the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Sum
from ulid import ULID

from billing.metering.record import Operation, UsageFlag
from billing.models.adjustment import UsageAdjustment
from billing.models.usage import UsageBucket, UsageLedger

_HOUR = timedelta(hours=1)
# A call's id is made a moment before its record.
_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ExplainedHour:
    """What an hour adds to the bill: what was counted, and what staff changed of it."""

    start: datetime
    calls: int
    units: int
    adjusted: int


@dataclass(frozen=True, slots=True)
class ExplainedCall:
    """One call; `recommendation_id` is what its answer said."""

    recommendation_id: str
    at: datetime
    operation: Operation
    units: int


def billed_hours(
    *, environment_id: int, since: datetime, until: datetime
) -> tuple[ExplainedHour, ...]:
    """Return the hours that make up the units from `since` to before `until`, oldest first."""
    span = {"environment_id": environment_id, "hour__gte": since, "hour__lt": until}
    counted = {
        row["hour"]: (row["all_calls"], row["all_units"])
        for row in UsageBucket.objects.filter(**span)
        .values("hour")
        .annotate(all_calls=Sum("calls"), all_units=Sum("units"))
    }
    adjusted = dict(
        UsageAdjustment.objects.filter(**span)
        .values_list("hour")
        .annotate(all_units=Sum("units"))
        .values_list("hour", "all_units")
    )
    return tuple(
        ExplainedHour(hour, *counted.get(hour, (0, 0)), adjusted=adjusted.get(hour, 0))
        for hour in sorted(counted.keys() | adjusted.keys())
    )


def billed_calls(
    *, environment_id: int, hour: datetime, after: str | None, limit: int
) -> tuple[ExplainedCall, ...]:
    """Return some charged calls of the hour from `hour` on, in the order of their ids.

    Single calls are kept for 45 days.

    Parameters
    ----------
    after
        The recommendation id after which to go on; None begins.
    """
    calls = (
        UsageLedger.objects.filter(
            environment_id=environment_id,
            at__gte=hour,
            at__lt=hour + _HOUR,
            # The ledger is ordered by ids, which begin with their time.
            call_id__gte=_first_id(hour - _MARGIN),
            call_id__lt=_first_id(hour + _HOUR + _MARGIN),
        )
        .alias(billable=F("flags").bitand(int(UsageFlag.BILLABLE)))
        .exclude(billable=0)
    )
    if after is not None:
        calls = calls.filter(call_id__gt=ULID.from_str(after).to_uuid())
    return tuple(
        ExplainedCall(
            recommendation_id=str(ULID.from_uuid(row.call_id)),
            at=row.at,
            operation=Operation(row.operation),
            units=row.units,
        )
        for row in calls.order_by("call_id")[:limit]
    )


def _first_id(moment: datetime) -> str:
    milliseconds = int(moment.timestamp() * 1000)
    return f"{milliseconds:012x}" + "0" * 20
