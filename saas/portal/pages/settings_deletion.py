"""The pages by which an owner ends the store: not at once, and not by a slip of the hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from engine.selectors.exports import download_of_export, export_body, exports, has_file
from engine.services.request_export import request_export
from saas.lib.download_links import link_to
from saas.lifecycle.cancel_deletion import cancel_deletion
from saas.lifecycle.request_deletion import GRACE, request_deletion
from saas.portal.roles import Right
from saas.portal.visit import Visit, store_page
from tenants.context import in_environment
from tenants.selectors.deletion import deletion_due

_KINDS = ("items", "events")
_SHOWN_EXPORTS = 6


class DeletionForm(forms.Form):
    """The store's own name, typed, and why."""

    name = forms.CharField(label="Type the store's name", max_length=200)
    reason = forms.CharField(
        label="Why? (stands in the audit log; helps us, too)", required=False, max_length=500
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._expected = expected

    def clean_name(self) -> str:
        """Refuse any other name."""
        name: str = self.cleaned_data["name"]
        if name != self._expected:
            raise forms.ValidationError(f"This is not the name; type: {self._expected}")
        return name


@store_page(Right.DELETE_STORE)
def delete_store(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask for the name, then let the store be deleted after the days of grace."""
    form = DeletionForm(request.POST or None, expected=visit.tenant.name)
    if form.is_valid():
        due = request_deletion(
            slug=visit.tenant.slug,
            actor=visit.actor,
            reason=form.cleaned_data["reason"] or "Asked for in the portal.",
        )
        messages.success(request, f"The store will be deleted on {due:%-d %B %Y, %H:%M} UTC.")
        return redirect("delete-store")
    now = timezone.now()
    return visit.render(
        "portal/settings/deletion.html",
        {
            "form": form,
            "days": GRACE.days,
            "deletion_due": deletion_due(tenant_id=visit.tenant.pk),
            "exports": _exports(visit, now=now),
        },
    )


@require_POST
@store_page(Right.DELETE_STORE)
def keep_store(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Take the request back."""
    cancel_deletion(slug=visit.tenant.slug, actor=visit.actor, reason="Taken back in the portal.")
    messages.success(request, "The store stays.")
    return redirect("delete-store")


@require_POST
@store_page(Right.DELETE_STORE)
def export_store(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Have the live catalogue and events written into files to fetch."""
    with in_environment(visit.live):
        for kind in _KINDS:
            request_export(environment=visit.live, kind=kind, file_format="csv")
    messages.success(request, "The files are being written; load this page again in a minute.")
    return redirect("delete-store")


def _exports(visit: Visit, *, now: datetime) -> list[dict[str, Any]]:
    rows = exports(environment_id=visit.live.pk, kinds=_KINDS, limit=_SHOWN_EXPORTS)
    return [
        {
            **export_body(row, now=now),
            "at": row.created_at,
            "url": link_to(download_of_export(row), now=now).path if has_file(row, now=now) else "",
        }
        for row in rows
    ]
