"""The page of the audit log: who did what to the store, when, and what changed by it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from engine.files.table_writers import defused
from saas.lib.errors import InvalidParameter
from saas.portal.roles import Right
from saas.portal.visit import Visit, store_page
from tenants.models.audit_event import AuditEvent
from tenants.selectors.audit import audit_events, shown_actor

PAGE_ROWS = 50
# Some 3 MB, made in well under a second; a longer span is fetched month by month.
MAX_CSV_ROWS = 10_000
_COLUMNS = ("at", "actor", "action", "object", "reason", "before", "after")


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"


class Words(forms.TextInput):
    """Room for a word or two, so that the whole search stands in a row."""

    def __init__(self) -> None:
        super().__init__(attrs={"size": 12})


class AuditForm(forms.Form):
    """What to look for; an empty field does not narrow it."""

    actor = forms.CharField(label="Who", required=False, max_length=200, widget=Words)
    action = forms.CharField(label="Did what", required=False, max_length=64, widget=Words)
    object = forms.CharField(label="To what", required=False, max_length=200, widget=Words)
    since = forms.DateField(label="From (UTC)", required=False, widget=DayInput)
    until = forms.DateField(label="To (UTC)", required=False, widget=DayInput)
    before = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=1)

    def search(self) -> dict[str, Any]:
        """Return the search as `audit_events` takes it."""
        asked = self.cleaned_data
        since, until = asked["since"], asked["until"]
        return {
            "actor": asked["actor"],
            "action": asked["action"].replace(" ", "_"),
            "object_name": asked["object"] or None,
            "since": since and _midnight(since),
            "until": until and _midnight(until + timedelta(days=1)),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a deed changed."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Deed:
    """A row of the log as the page shows it."""

    event: AuditEvent
    actor: str
    action: str
    changes: list[Change]


@store_page(Right.SEE_AUDIT)
def audit(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show what was done, newest first, a page at a time."""
    form = AuditForm(request.GET)
    events: list[AuditEvent] = []
    if form.is_valid():
        before = form.cleaned_data["before"]
        events = audit_events(
            tenant_id=visit.tenant.pk, limit=PAGE_ROWS + 1, before_id=before, **form.search()
        )
    shown = events[:PAGE_ROWS]
    older = request.GET.copy()
    older["before"] = str(shown[-1].pk) if shown else ""
    found = request.GET.copy()
    found.pop("before", None)
    return visit.render(
        "portal/audit.html",
        {
            "form": form,
            "deeds": [_deed(event) for event in shown],
            "older": older.urlencode() if len(events) > PAGE_ROWS else "",
            "found": found.urlencode(),
            "is_first": "before" not in request.GET,
            "most_rows": MAX_CSV_ROWS,
        },
    )


@store_page(Right.SEE_AUDIT)
def audit_csv(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Hand out what the page shows, all pages of it."""
    form = AuditForm(request.GET)
    if not form.is_valid():
        raise InvalidParameter("This search cannot be read; go back to the log and repeat it.")
    events = audit_events(tenant_id=visit.tenant.pk, limit=MAX_CSV_ROWS, **form.search())
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(map(_cells, events))
    name = f"{visit.tenant.slug}-audit-{timezone.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _midnight(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


def _cells(event: AuditEvent) -> Iterator[str]:
    yield event.at.isoformat()
    actor = shown_actor(event.actor)
    for text in (actor, event.action, event.object, event.reason):
        yield defused(text)
    for values in (event.before, event.after):
        yield orjson.dumps(values).decode() if values else ""


def _deed(event: AuditEvent) -> Deed:
    before, after = event.before, event.after
    names = [*before, *(name for name in after if name not in before)]
    return Deed(
        event=event,
        actor=shown_actor(event.actor).removeprefix("person:"),
        action=event.action.replace("_", " "),
        changes=[
            Change(name, _value(event.before, name), _value(event.after, name)) for name in names
        ],
    )


def _value(values: dict[str, Any], name: str) -> str | None:
    """Return a value as people write it; None where the deed does not speak of it."""
    if name not in values:
        return None
    value = values[name]
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
