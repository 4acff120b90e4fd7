"""The pages by which an owner ends the store: not at once, and not by a slip of the hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from saas.lifecycle.cancel_deletion import cancel_deletion
from saas.lifecycle.request_deletion import GRACE, request_deletion
from saas.lifecycle.request_store_export import request_store_export, store_exports
from saas.portal.roles import Right
from saas.portal.visit import Visit, store_page
from tenants.selectors.deletion import deletion_due


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
    return visit.render(
        "portal/settings/deletion.html",
        {
            "form": form,
            "days": GRACE.days,
            "deletion_due": deletion_due(tenant_id=visit.tenant.pk),
            "exports": store_exports(environment_id=visit.live.pk),
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
    """Have everything of both environments written into one file to fetch."""
    request_store_export(
        slug=visit.tenant.slug, actor=visit.actor, reason="Asked for in the portal."
    )
    messages.success(request, "The file is being written; load this page again in a minute.")
    return redirect("delete-store")
