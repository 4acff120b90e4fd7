"""The events: a live tail, what came in each minute and what was rejected, and what is amiss."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from engine.selectors.arrived_events import arrived_events
from engine.selectors.event_quality import event_quality
from engine.selectors.event_signals import DELAYS, delays, matched_by_type
from engine.selectors.intake import Intake, intake
from saas.portal.charts import Chart, Series
from saas.portal.findings import shown_findings
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

TAIL = 25
# Of the newest: enough for shares to a percent, in a fraction of the time that a page may take.
LOOKED_AT = 5_000
_NOTHING = (
    "No event came in this hour: send them with POST /v1/events, /v1/collect/ga4 or "
    "/v1/collect/segment. Imports are not counted here."
)


@environment_page(Right.SEE_DATA)
def events(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the last hour's intake, the newest events, and what they say of how they are sent."""
    counted = intake(visit.environment.pk, now=timezone.now())
    with in_environment(visit.environment):
        quality = event_quality(most_lines=LOOKED_AT)
        matched = matched_by_type(most=LOOKED_AT)
        late = delays(most=LOOKED_AT)
        newest = arrived_events(most=TAIL)
    return visit.render(
        "portal/events.html",
        {
            "intake": counted,
            "chart": None if counted is None else intake_chart(counted),
            "quality": quality,
            "findings": shown_findings(quality.findings),
            "matched": matched,
            "match_rate": sorted(quality.match_rate.items()),
            "delays": _delays(late),
            "looked_at": LOOKED_AT,
            **_tail(request, newest),
        },
    )


@environment_page(Right.SEE_DATA)
def event_tail(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Answer the newest events alone, for the tail that renews itself."""
    with in_environment(visit.environment):
        newest = arrived_events(most=TAIL)
    return visit.render("portal/events/tail.html", _tail(request, newest))


def intake_chart(counted: Intake) -> Chart:
    """Return an hour of events by what became of them."""
    first, last = counted.minutes[0].at, counted.minutes[-1].at
    outcomes = {
        "Accepted": [each.accepted for each in counted.minutes],
        "Rejected": [each.rejected for each in counted.minutes],
        "Duplicates": [each.duplicates for each in counted.minutes],
    }
    has_some = any(map(any, outcomes.values()))
    return Chart(
        title="Events by minute, and what became of them",
        kind="stacked",
        period=f"{first:%-d %B %Y, %H:%M} to {last:%H:%M} (UTC)",
        x_title="Minute (UTC)",
        y_title="Events",
        x=[f"{each.at:%H:%M}" for each in counted.minutes] if has_some else (),
        series=[Series(name, values if has_some else ()) for name, values in outcomes.items()],
        empty=_NOTHING,
    )


def _tail(request: HttpRequest, newest: list[Any]) -> dict[str, Any]:
    return {
        "events": [_row(event.body) for event in newest],
        "is_paused": request.GET.get("tail") == "paused",
        "tail_size": TAIL,
        "as_of": timezone.now(),
    }


def _row(body: dict[str, Any]) -> dict[str, Any]:
    items = body["items"]
    said_at = body["ts"][:19].replace("T", " ")
    shopper = next(
        (
            (kind, body[name])
            for name, kind in (
                ("user_id", "user"),
                ("anonymous_id", "visitor"),
                ("session_id", "session"),
            )
            if body[name] is not None
        ),
        ("", ""),
    )
    return {
        **body,
        # The day of an event that came on the same one goes without saying.
        "said_at": said_at[11:] if said_at[:10] == body["received_at"][:10] else said_at,
        "shopper_kind": shopper[0],
        "shopper": shopper[1],
        "first_items": [each["id"] for each in items[:3]],
        "more_items": max(0, len(items) - 3),
        "about": body["query"] or body["category"] or "",
    }


def _delays(counts: list[int]) -> list[dict[str, Any]]:
    total = sum(counts)
    return [
        {"name": name, "events": count, "percent": 100 * count / total}
        for (name, _, _), count in zip(DELAYS, counts, strict=True)
        if total
    ]
