"""What holds recommendations back in the data that a store sends; the overview loads it later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from engine.selectors.catalogue_quality import catalogue_quality
from engine.selectors.event_quality import event_quality
from engine.selectors.readiness import readiness
from engine.services.start_first_trainings import FIRST_TRAINING_EVENTS
from saas.portal.findings import shown_findings
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

# What a page has time for; the pages of events and of the catalogue look at more.
_LINES, _PAGES = 3_000, 250
_TONES = {"learning": "warn", "blocked": "bad"}


@environment_page(Right.SEE_DATA)
def data_health(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show which recommendations are ready and what could be better; alone, or for the overview."""
    environment = visit.environment
    with in_environment(environment):
        events = event_quality(most_lines=_LINES)
        catalogue = catalogue_quality(most_pages=_PAGES)
        ready = readiness(
            has_model=environment.live_version is not None,
            trains_by_itself=environment.auto_train == environment.AutoTrain.DAILY,
            needed_events=FIRST_TRAINING_EVENTS,
        )
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    return visit.render(
        "portal/overview/data_health.html" if is_part else "portal/data_health.html",
        {
            "events": events.events,
            "items": catalogue.items,
            "is_sample": catalogue.is_sample,
            "waiting": [_row(name, state) for name, state in ready.items() if not _is_ready(state)],
            "ready": [_words(name) for name, state in ready.items() if _is_ready(state)],
            "findings": shown_findings([*events.findings, *catalogue.findings]),
        },
    )


def _is_ready(state: Mapping[str, Any]) -> bool:
    return bool(state["status"] == "active")


def _row(name: str, state: Mapping[str, Any]) -> dict[str, str]:
    instead = state["served_instead"]
    return {
        "name": _words(name),
        "status": state["status"],
        "tone": _TONES[state["status"]],
        "meanwhile": "an empty list" if instead is None else f"{instead} items",
        "waits_for": " ".join(each["detail"] for each in state["blocking"]) or _missing(state),
    }


def _missing(state: Mapping[str, Any]) -> str:
    short = [
        f"{needed - state['have'][name]} more {_words(name).lower()}"
        for name, needed in state["need"].items()
        if state["have"][name] < needed
    ]
    return f"{', '.join(short)}." if short else "The next training."


def _words(code: str) -> str:
    return code.replace("_", " ").capitalize()
