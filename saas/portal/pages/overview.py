"""The page that says what shoppers get right now, how good it is, and how calls were answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from billing.selectors.account import Account, account
from billing.selectors.answers import AnsweredDay, answered_days
from engine.selectors.first_signs import has_items
from engine.selectors.models import Model, model, models
from saas.portal.charts import Chart, Series
from saas.portal.pages.model_charts import quality_by_version
from saas.portal.roles import Right
from saas.portal.status_sentence import Facts, status_sentence
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment, on_platform
from tenants.selectors.audit import audit_events

DAYS_SHOWN = 30
NEWEST_MODELS = 20


@environment_page(Right.SEE_STORE)
def overview(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show what shoppers get now and since when, and how it goes."""
    now = timezone.now()
    environment = visit.environment
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
    period = [tomorrow - timedelta(days=back) for back in range(DAYS_SHOWN, 0, -1)]
    with in_environment(environment):
        newest = models(environment_id=environment.pk, limit=NEWEST_MODELS)
        live = _live(newest, environment_id=environment.pk, version=environment.live_version)
        has_catalogue = has_items()
    with on_platform():
        stands = account(tenant_id=visit.tenant.pk, environment_id=visit.live.pk, now=now)
        days = answered_days(
            environment_id=environment.pk, since=_midnight(period[0]), until=_midnight(tomorrow)
        )
    facts = _facts(visit, stands, live=live, days=days, now=now, has_items=has_catalogue)
    return visit.render(
        "portal/overview.html",
        {
            "status": status_sentence(facts),
            "live": live,
            "quality": None if live is None else quality(live),
            "calls": sum(day.calls for day in days),
            "fallback_share": _share(days),
            "newest_day": next((day for day in reversed(days) if day.p50_ms is not None), None),
            "days_shown": DAYS_SHOWN,
            "charts": [_calls_chart(period, days), _latency_chart(period, days)],
            "quality_chart": quality_by_version(newest),
        },
    )


def quality(model: Model) -> dict[str, Any] | None:
    """Return how a model did beside popularity, and what that means in words."""
    reached = model.metrics.get("ndcg@10")
    popular = model.baselines.get("popular", {}).get("ndcg@10")
    if reached is None or popular is None:
        return None
    meaning = "not clearly different from"
    if reached["low"] > popular["value"]:
        meaning = "clearly better than"
    elif reached["high"] < popular["value"]:
        meaning = "worse than"
    return {
        "reached": reached,
        "popular": popular,
        "meaning": meaning,
        "gain": _gain(reached["value"], popular["value"]),
    }


def _gain(reached: float, popular: float) -> str:
    percent = round(100 * (reached / popular - 1)) if popular else 0
    return f"{abs(percent)} % {'more' if percent > 0 else 'less'}" if percent else ""


def _live(newest: Sequence[Model], *, environment_id: int, version: str | None) -> Model | None:
    found = next((each for each in newest if each.status == "champion"), None)
    if found is None and version is not None:
        return model(environment_id=environment_id, version=version)
    return found


def _facts(
    visit: Visit,
    stands: Account,
    *,
    live: Model | None,
    days: Sequence[AnsweredDay],
    now: datetime,
    has_items: bool,
) -> Facts:
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    newest = [day for day in days if day.day >= yesterday]
    return Facts(
        is_test=visit.environment.kind == "test",
        suspended_since=_suspended_since(visit, now=now),
        access=stands.access,
        lapses_at=stands.lapses_at,
        billing_state=stands.state,
        limit_ends_at=stands.period_end if stands.is_used_up else None,
        refuses_beyond_limit=visit.live.on_limit == "error",
        has_items=has_items,
        live_version=None if live is None else live.version,
        live_since=None if live is None else live.promoted_at,
        is_pinned=visit.environment.is_pinned,
        calls=sum(day.calls for day in newest),
        fallbacks=sum(day.fallbacks for day in newest),
    )


def _suspended_since(visit: Visit, *, now: datetime) -> datetime | None:
    if visit.tenant.status != "suspended":
        return None
    deeds = audit_events(
        tenant_id=visit.tenant.pk,
        since=None,
        object_name=f"tenant:{visit.tenant.slug}",
        before_id=None,
        limit=20,
    )
    return next((deed.at for deed in deeds if deed.action == "tenant_suspended"), now)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _share(days: Sequence[AnsweredDay]) -> float | None:
    calls = sum(day.calls for day in days)
    return 100 * sum(day.fallbacks for day in days) / calls if calls else None


def _named(period: Sequence[date]) -> str:
    first, last = period[0], period[-1]
    return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}, days of UTC"


def _calls_chart(period: Sequence[date], days: Sequence[AnsweredDay]) -> Chart:
    by_day = {day.day: day for day in days}
    found = [by_day.get(day) for day in period] if days else []
    return Chart(
        title="Recommendation calls by day",
        kind="stacked",
        period=_named(period),
        x_title="Day",
        y_title="Calls",
        x=[day.isoformat() for day in period] if days else (),
        series=(
            Series("Answered as asked", [day.calls - day.fallbacks if day else 0 for day in found]),
            Series("Answered by a fallback", [day.fallbacks if day else 0 for day in found]),
        ),
        empty="No call in this time. Send POST /v1/recommend/for-user with a key of this "
        "environment; Get started has it ready to copy.",
    )


def _latency_chart(period: Sequence[date], days: Sequence[AnsweredDay]) -> Chart:
    by_day = {day.day: day for day in days}
    found = [by_day.get(day) for day in period]
    return Chart(
        title="Time to answer by day",
        kind="line",
        period=_named(period),
        x_title="Day",
        y_title="Milliseconds, without the network",
        x=[day.isoformat() for day in period],
        series=(
            Series(
                "Half of the calls (p50)", [day.p50_ms if day else None for day in found], digits=2
            ),
            Series(
                "19 of 20 calls (p95)", [day.p95_ms if day else None for day in found], digits=2
            ),
        ),
        empty="No call in this time, so nothing to time. Send POST /v1/recommend/for-user.",
    )
