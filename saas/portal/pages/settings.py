"""The pages of what a store decides: its name, and how each environment trains and answers."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from saas.lib.currencies import CURRENCIES
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page, store_page
from tenants.context import in_environment
from tenants.selectors.deletion import deletion_due
from tenants.selectors.settings import settings
from tenants.services.change_settings import MOST_EXPLORE_SHARE, change_settings
from tenants.services.rename_tenant import rename_tenant

_NOT_SET = ("", "Not set")


class NameForm(forms.Form):
    """What the store is called."""

    name = forms.CharField(label="Name of the store", max_length=80)


class EnvironmentForm(forms.Form):
    """The settings of one environment, as the API has them."""

    auto_train = forms.ChoiceField(
        label="Training",
        choices=[
            ("daily", "By itself: first when the data suffice, then nightly if there is news"),
            ("off", "Only when somebody asks for it"),
        ],
        widget=forms.RadioSelect,
    )
    auto_promote = forms.BooleanField(
        label="A new model goes live by itself when it is good enough",
        required=False,
        help_text="Good enough: not worse than the live one, on sales that neither had seen.",
    )
    on_limit = forms.ChoiceField(
        label="When the calls of your plan are used up",
        choices=[
            ("popular", "Answer with popular items, which costs nothing"),
            ("error", "Answer with the error quota_exceeded"),
        ],
        widget=forms.RadioSelect,
    )
    explore_share = forms.FloatField(
        label="Share of new items in personal lists",
        min_value=0,
        max_value=MOST_EXPLORE_SHARE,
        widget=forms.NumberInput(attrs={"step": "0.01"}),
        help_text="0.1 gives one place in ten to items that nobody has turned to yet, so that "
        "shoppers meet them at all; 0 gives none.",
    )
    timezone = forms.ChoiceField(
        label="Time zone",
        required=False,
        choices=[_NOT_SET, *((zone, zone) for zone in sorted(available_timezones()))],
        help_text="Of imported times without an offset. Not set: such rows are refused.",
    )
    currency = forms.ChoiceField(
        label="Currency",
        required=False,
        choices=[_NOT_SET, *((code, code) for code in sorted(CURRENCIES))],
        help_text="Of prices that come without one.",
    )

    def changes(self) -> dict[str, Any]:
        """Return what differs from before, as `change_settings` takes it."""
        given = self.cleaned_data
        return {name: None if given[name] == "" else given[name] for name in self.changed_data}


@store_page(Right.CHANGE_SETTINGS)
def store_settings(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show what belongs to the store as a whole, and change its name."""
    form = NameForm(request.POST or None, initial={"name": visit.tenant.name})
    if form.is_valid():
        rename_tenant(tenant=visit.tenant, name=form.cleaned_data["name"], actor=visit.actor)
        messages.success(request, f"The store is called {visit.tenant.name}.")
        return redirect("settings")
    due = deletion_due(tenant_id=visit.tenant.pk)
    return visit.render("portal/settings/store.html", {"form": form, "deletion_due": due})


@environment_page(Right.CHANGE_SETTINGS)
def environment_settings(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show and change how an environment trains and answers."""
    environment = visit.environment
    form = EnvironmentForm(request.POST or None, initial=settings(environment_id=environment.pk))
    if form.is_valid():
        with in_environment(environment):
            change_settings(environment=environment, changes=form.changes(), actor=visit.actor)
        messages.success(request, "Saved; it holds from now on.")
        return redirect("environment-settings", environment=environment.kind)
    return visit.render("portal/settings/environment.html", {"form": form})
