"""The console's first page: how the platform is doing, from rows that are written beforehand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from billing.models.credit import Credit
from billing.selectors.outbox_health import outbox_health
from saas.portal.charts import Chart, Series
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.roll_up import EnvironmentDay, TrainingRecord
from tenants.models.tenant import Tenant
from tenants.selectors.job_load import job_load
from tenants.selectors.store_health import store_health, with_vitals

DAYS = 30
# Colours are five; the rest of the plans is one of them.
PLANS_SHOWN = 4
# Health is decided in Python: of as many stores as that is quick for, the busiest.
STORES_LOOKED_AT = 200
STORES_SHOWN = 10
# An hour is told ten minutes after its end, and asked for again when Stripe was away.
LATE_SECONDS = 3 * 3600


@dataclass(frozen=True, slots=True)
class Card:
    """A number at the top of the page, and where it leads."""

    title: str
    value: str
    hint: str
    link: str
    is_bad: bool = False


def overview() -> dict[str, Any]:
    """Return what the page shows; run on the platform."""
    now = timezone.now()
    today = now.date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    rows = EnvironmentDay.objects.filter(day__gte=days[0], environment__kind=Environment.Kind.LIVE)
    totals = {
        row["day"]: row
        for row in rows.values("day").annotate(
            calls=Sum("calls"), fallbacks=Sum("fallbacks"), events=Sum("events")
        )
    }
    return {
        "cards": [*_store_cards(totals, today), *_work_cards(now), *_money_cards(now)],
        "charts": [
            _calls_by_plan(rows, days),
            _fallbacks(totals, days),
            _events(totals, days),
            _trainings(days),
        ],
        "unwell": _unwell(today),
    }


def _store_cards(totals: dict[date, Any], today: date) -> list[Card]:
    stores = Tenant.objects.aggregate(
        active=Count("pk", filter=Q(status=Tenant.Status.ACTIVE)),
        suspended=Count("pk", filter=Q(status=Tenant.Status.SUSPENDED)),
    )
    yesterday = totals.get(today - timedelta(days=1), {"calls": 0})
    current = totals.get(today, {"calls": 0, "fallbacks": 0})
    share = current["fallbacks"] / current["calls"] if current["calls"] else None
    calls = _list("billing_usagebucket")
    return [
        Card(
            "Active tenants",
            f"{stores['active']:,}",
            f"{stores['suspended']} suspended",
            _list("tenants_tenant", status__exact="active"),
        ),
        Card("Calls today", f"{current['calls']:,}", f"{yesterday['calls']:,} yesterday", calls),
        Card(
            "Fallbacks today",
            "none" if share is None else f"{share:.1%}",
            "of calls: answered with something else than was asked for",
            calls,
        ),
    ]


def _work_cards(now: datetime) -> list[Card]:
    week = TrainingRecord.objects.filter(finished_at__gt=now - timedelta(days=7)).aggregate(
        all=Count("pk"), failed=Count("pk", filter=Q(status="failed"))
    )
    dead = Job.objects.filter(state=Job.State.FAILED).aggregate(
        all=Count("pk"), new=Count("pk", filter=Q(finished_at__gt=now - timedelta(days=1)))
    )
    load = job_load()
    return [
        Card(
            "Failed trainings in 7 days",
            f"{week['failed']:,}",
            f"of {week['all']:,} that ended" + _share(week["failed"], week["all"]),
            _list("tenants_trainingrecord", status="failed"),
            is_bad=bool(week["failed"]),
        ),
        Card(
            "Dead letters",
            f"{dead['all']:,}",
            f"{dead['new']:,} of them since yesterday",
            _list("tenants_job", state__exact="failed"),
            is_bad=bool(dead["new"]),
        ),
        Card(
            "Jobs",
            f"{load.queued:,} waiting",
            f"{load.running:,} running; the oldest due one waits {load.oldest_due_seconds:,.0f} s",
            _list("tenants_job", state__exact="queued"),
        ),
    ]


def _money_cards(now: datetime) -> list[Card]:
    outbox = outbox_health(now=now)
    waiting = Credit.objects.filter(state=Credit.State.WAITING).count()
    return [
        Card(
            "Oldest hour not told to Stripe",
            f"{outbox.oldest_seconds / 60:,.0f} min" if outbox.oldest_seconds else "none",
            f"{outbox.rejected} rejected; {len(outbox.drift)} stores with drift",
            _list("billing_usagereport", state__exact="pending"),
            is_bad=outbox.oldest_seconds > LATE_SECONDS or bool(outbox.rejected or outbox.drift),
        ),
        Card(
            "Credits that wait",
            f"{waiting:,}",
            "for a second person",
            _list("billing_credit", state__exact="waiting"),
            is_bad=bool(waiting),
        ),
    ]


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.0%})" if whole else ""


def _list(model: str, **filters: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return reverse(f"admin:{model}_changelist") + (f"?{query}" if query else "")


def _calls_by_plan(rows: QuerySet[EnvironmentDay], days: Sequence[date]) -> Chart:
    counted: dict[str, dict[date, int]] = defaultdict(dict)
    plans = rows.values("day", "environment__tenant__entitlement__plan").annotate(all=Sum("calls"))
    for row in plans.filter(calls__gt=0):
        counted[row["environment__tenant__entitlement__plan"]][row["day"]] = row["all"]
    largest = sorted(counted, key=lambda plan: -sum(counted[plan].values()))
    shown = {plan: [counted[plan].get(day, 0) for day in days] for plan in largest[:PLANS_SHOWN]}
    rest = largest[PLANS_SHOWN:]
    if rest:
        shown["other plans"] = [sum(counted[plan].get(day, 0) for plan in rest) for day in days]
    return _chart(
        "Recommendation calls by day, by the plan that the store has now",
        "stacked",
        days,
        "Calls",
        [Series(plan, values) for plan, values in shown.items()],
        "No call in 30 days.",
    )


def _fallbacks(totals: dict[date, Any], days: Sequence[date]) -> Chart:
    shares = [
        100 * totals[day]["fallbacks"] / totals[day]["calls"]
        if day in totals and totals[day]["calls"]
        else None
        for day in days
    ]
    return _chart(
        "Calls answered with a fallback",
        "line",
        days,
        "Share of calls, %",
        [Series("Fallbacks, % of calls", shares, digits=2)],
        "No call in 30 days.",
    )


def _events(totals: dict[date, Any], days: Sequence[date]) -> Chart:
    values = [totals[day]["events"] if day in totals else 0 for day in days]
    return _chart(
        "Events received by day, of live environments",
        "bar",
        days,
        "Events",
        [Series("Events", values)] if any(values) else [],
        "No event counted in 30 days; each store is counted hourly.",
    )


def _trainings(days: Sequence[date]) -> Chart:
    counted: dict[str, dict[date, int]] = defaultdict(dict)
    ended = TrainingRecord.objects.filter(finished_at__date__gte=days[0])
    for row in (
        ended.annotate(day=TruncDate("finished_at"))
        .values("day", "status")
        .annotate(all=Count("pk"))
    ):
        counted[row["status"]][row["day"]] = row["all"]
    return _chart(
        "Trainings and updates that ended, by day",
        "stacked",
        days,
        "Trainings",
        [
            Series(status, [counted[status].get(day, 0) for day in days])
            for status in ("completed", "failed")
            if counted
        ],
        "No training in 30 days.",
    )


def _chart(
    title: str, kind: Any, days: Sequence[date], y_title: str, series: Sequence[Series], empty: str
) -> Chart:
    period = f"{days[0]} to {days[-1]} (UTC days, today so far)"
    x = [str(day) for day in days]
    return Chart(title, kind, period, "Day", y_title, x, series, empty)


def _unwell(today: date) -> list[tuple[Any, Any]]:
    week = EnvironmentDay.objects.filter(
        day__gt=today - timedelta(days=7),
        environment__kind=Environment.Kind.LIVE,
        environment__tenant__status=Tenant.Status.ACTIVE,
    )
    busiest = week.values("environment__tenant").annotate(all=Sum("calls")).order_by("-all")
    keys = [row["environment__tenant"] for row in busiest[:STORES_LOOKED_AT]]
    stores = with_vitals(Tenant.objects.filter(pk__in=keys))
    looked_at = [(store, store_health(store)) for store in stores]
    order = {"bad": 0, "watch": 1}
    unwell = [pair for pair in looked_at if pair[1].level in order]
    unwell.sort(key=lambda pair: (order[pair[1].level], -(pair[0].calls_of_week or 0)))
    return unwell[:STORES_SHOWN]
