"""The pages of privacy: what the store has on a shopper, handed out or erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from engine.rows.values import MAX_ID_CHARACTERS, BadValue, read_id
from engine.selectors.personal_data import MOST_COUNTED, event_count, profile
from engine.selectors.privacy import privacy_requests, request_body, stored_models
from engine.selectors.privacy_subject import privacy_subject
from engine.services.erase_user import erase_user
from engine.services.export_user import export_user
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

_SHOWN_REQUESTS = 20


class ShopperForm(forms.Form):
    """Whom it is about."""

    kind = forms.ChoiceField(
        label="Known by",
        choices=[("user_id", "user_id"), ("anonymous_id", "anonymous_id")],
        initial="user_id",
    )
    id = forms.CharField(
        label="Id",
        max_length=MAX_ID_CHARACTERS,
        strip=False,
    )

    def clean_id(self) -> str:
        """Return an id that a shopper can have."""
        try:
            return read_id(self.cleaned_data["id"])
        except BadValue as bad:
            raise forms.ValidationError(f"This cannot be an id; {bad.advice}.") from None

    def subject(self) -> dict[str, str | None]:
        """Return whom it names, as the services take it."""
        both: dict[str, str | None] = {"user_id": None, "anonymous_id": None}
        return both | {self.cleaned_data["kind"]: self.cleaned_data["id"]}


@dataclass(frozen=True, slots=True)
class Known:
    """What the store has on a shopper, in short."""

    user_id: str | None
    visitors: list[str]
    attributes: list[tuple[str, Any]]
    is_personalised: bool
    events: int
    has_more_events: bool

    @property
    def is_nobody(self) -> bool:
        """Whether nothing is stored by this id."""
        return not (self.events or self.visitors or self.user_id)


@environment_page(Right.CHANGE_SETTINGS)
def privacy(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Look a shopper up, and list what was asked for before."""
    form = ShopperForm(request.GET if "id" in request.GET else None)
    known = None
    with in_environment(visit.environment):
        if form.is_valid():
            known = _known(form.subject())
        requests = _requests(visit)
    context = {"form": form, "known": known, **requests}
    return visit.render("portal/settings/privacy.html", context)


@environment_page(Right.CHANGE_SETTINGS)
def privacy_requests_part(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show how far the requests are."""
    with in_environment(visit.environment):
        requests = _requests(visit)
    return visit.render("portal/settings/privacy_requests.html", requests)


@require_POST
@environment_page(Right.CHANGE_SETTINGS)
def export_shopper(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Have everything on a shopper written into a file."""
    form = ShopperForm(request.POST)
    if form.is_valid():
        with in_environment(visit.environment):
            export_user(environment=visit.environment, actor=visit.actor, **form.subject())
        messages.success(request, "The file is being written; it appears below.")
    else:
        messages.error(request, "Nothing was exported: the id is missing.")
    return redirect("privacy", environment=visit.environment.kind)


@environment_page(Right.CHANGE_SETTINGS)
def erase_shopper(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask whether it is meant, then erase a shopper."""
    form = ShopperForm(request.POST if request.method == "POST" else request.GET)
    if not form.is_valid():
        return redirect("privacy", environment=visit.environment.kind)
    if request.method != "POST":
        return visit.render("portal/settings/erase.html", {"form": form})
    with in_environment(visit.environment):
        erase_user(environment=visit.environment, actor=visit.actor, **form.subject())
    messages.success(
        request, "The shopper is erased: nothing finds it any more. The receipt fills below."
    )
    return redirect("privacy", environment=visit.environment.kind)


def _known(asked: dict[str, str | None]) -> Known:
    subject = privacy_subject(**asked)
    profiles = profile(subject, now=timezone.now())["profiles"]
    events = event_count(subject)
    return Known(
        user_id=subject.user_id if subject.shopper_id is not None else None,
        visitors=[each["id"] for each in profiles if each["kind"] == "anonymous"],
        attributes=[pair for each in profiles for pair in each["attributes"].items()],
        is_personalised=all(each["consent"]["personalise"] for each in profiles),
        events=min(events, MOST_COUNTED),
        has_more_events=events > MOST_COUNTED,
    )


def _requests(visit: Visit) -> dict[str, Any]:
    now = timezone.now()
    models = stored_models()
    rows = [
        {
            **request_body(row, environment_id=visit.environment.pk, models=models, now=now),
            "at": row.created_at,
            "ended": row.finished_at,
        }
        for row in privacy_requests(limit=_SHOWN_REQUESTS)
    ]
    for row in rows:
        row["removed_text"] = _removed(row.get("removed", {}))
        row["last_model_until"] = _last(row.get("model_versions", []))
    is_waiting = any(row["status"] in {"queued", "running"} for row in rows)
    return {"requests": rows, "is_waiting": is_waiting}


def _removed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _last(versions: list[dict[str, str]]) -> datetime | None:
    """Return when the last model that had learned from the shopper is gone."""
    return max((datetime.fromisoformat(each["until"]) for each in versions), default=None)
