"""The pages of placements: what calls for a place on the store's pages take as defaults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.views.decorators.http import require_POST

from api.inference.placements import check_placements
from api.inference.requests import MAX_PLACEMENT_CHARACTERS
from billing.selectors.usage import usage_by_placement
from engine.selectors.attributes import unfilterable_attributes
from saas.lib.errors import ShelfwiseError
from saas.portal.json_field import JsonField
from saas.portal.pages.explore_calls import Call
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment, on_platform
from tenants.services.change_settings import change_settings

_COUNTED = timedelta(days=30)
# Beside those with defaults; a page could send any name.
_SHOWN_WITHOUT_DEFAULTS = 50
_SHOWN_CHARACTERS = 120
_PHRASES: Mapping[str, Callable[[Any], str]] = {
    "limit": lambda number: f"{number} item{pluralize(number)}",
    "exclude_purchased": lambda is_so: f"{'Without' if is_so else 'With'} purchased items",
    "diversity": lambda share: f"Diversity {share}",
    "max_per_brand": lambda number: f"At most {number} of a brand",
    "max_per_category": lambda number: f"At most {number} of a category",
    "collapse": lambda kind: "All variants" if kind == "none" else "One variant of a group",
    "include": lambda parts: "With product data" if parts else "Ids alone",
    "filter": lambda rule: Truncator(f"Filter {json.dumps(rule, ensure_ascii=False)}").chars(
        _SHOWN_CHARACTERS
    ),
    "boost": lambda boosts: f"{len(boosts)} boost{pluralize(boosts)}",
}


def _count(label: str, *, without: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=100,
        help_text=f"1 to 100. Without a default: {without}.",
    )


class DefaultsForm(forms.Form):
    """What a placement's calls take where they say nothing; an empty field is no default."""

    limit = _count("Number of items", without="10")
    exclude_purchased = forms.TypedChoiceField(
        label="Leave out what the shopper bought",
        required=False,
        choices=[("", "As the type of call has it"), ("True", "Yes"), ("False", "No")],
        coerce=lambda text: text == "True",
        empty_value=None,
        help_text="By itself, for-user leaves it out and the other types keep it.",
    )
    diversity = forms.FloatField(
        label="Diversity",
        required=False,
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text="0 to 1. 0: the best items; 1: items that differ most. Without a default: 0.",
    )
    max_per_brand = _count("At most per brand", without="as many as come")
    max_per_category = _count("At most per category", without="as many as come")
    collapse = forms.TypedChoiceField(
        label="Variants",
        required=False,
        choices=[("", "No default: one of a group"), ("group", "One of a group"), ("none", "All")],
        empty_value=None,
        help_text="Variants are items with the same group_id.",
    )
    include = forms.TypedMultipleChoiceField(
        label="In the answer, beside ids",
        required=False,
        choices=[("product", "Product data: title, link, picture, price, brand and more")],
        empty_value=None,
        widget=forms.CheckboxSelectMultiple,
    )
    filter = JsonField(
        label="Filter, as JSON",
        rows=4,
        help_text=format_html(
            "Only items that meet it are shown, such as <code>{}</code>",
            '{"and": [{"in": ["categories", "Home"]}, {"<": ["price", 50]}]}',
        ),
    )
    boost = JsonField(
        label="Boosts, as JSON",
        rows=4,
        help_text=format_html(
            "Items that meet a filter come earlier, with a factor under 1 later (0.1 to 10), "
            "such as <code>{}</code>",
            '[{"filter": {"==": ["brand", "Acorn"]}, "factor": 1.5}]',
        ),
    )

    def defaults(self) -> dict[str, Any]:
        """Return what is chosen, as the service takes it."""
        given = {name: self.cleaned_data[name] for name in DefaultsForm.base_fields}
        return {name: value for name, value in given.items() if value is not None}

    def add_refusal(self, error: ShelfwiseError, *, otherwise: str | None) -> None:
        """Show the service's sentence beside the field that it points at, or beside another."""
        # /placements/<name>/<field>/…
        steps = error.errors[0].pointer.split("/") if error.errors else []
        named = steps[3] if len(steps) > 3 else ""
        self.add_error(named if named in self.fields else otherwise, error.detail)


class NewPlacementForm(DefaultsForm):
    """A placement's name with its defaults."""

    name = forms.CharField(
        label="Name",
        max_length=MAX_PLACEMENT_CHARACTERS,
        help_text="As your calls send it in placement, such as home or cart.",
    )
    field_order = ("name",)

    def __init__(self, *args: Any, stored: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = stored

    def clean_name(self) -> str:
        """Refuse a name whose defaults would be lost."""
        name: str = self.cleaned_data["name"]
        if name in self._stored:
            raise forms.ValidationError(f"'{name}' has defaults already; change them above.")
        return name


@dataclass(frozen=True, slots=True)
class Row:
    """A placement that has defaults, or that calls name."""

    name: str
    calls: int
    is_stored: bool
    rules: list[str]


@environment_page(Right.CHANGE_SETTINGS)
def placements(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the placements, and take the defaults of a new one."""
    stored = visit.environment.placements
    form = NewPlacementForm(request.POST or None, stored=stored)
    if form.is_valid() and _save(request, visit, form, form.cleaned_data["name"]):
        return redirect("placements", environment=visit.environment.kind)
    rows = _rows(stored, _calls(visit))
    example = rows[0].name if rows else "home"
    context = {"form": form, "rows": rows, "example": example, "curl": _curl(visit, example)}
    return visit.render("portal/settings/placements.html", context)


@environment_page(Right.CHANGE_SETTINGS)
def placement(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Change the defaults of a placement, or set the first ones of a name that calls have."""
    name = request.GET.get("placement", "")
    stored = visit.environment.placements
    if name not in stored and name not in _calls(visit):
        raise Http404("No such placement.")
    form = DefaultsForm(request.POST or None, initial=stored.get(name, {}))
    if form.is_valid() and _save(request, visit, form, name):
        return redirect("placements", environment=visit.environment.kind)
    context = {"form": form, "name": name, "is_stored": name in stored}
    return visit.render("portal/settings/placements_one.html", context)


@require_POST
@environment_page(Right.CHANGE_SETTINGS)
def remove_placement(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Remove the defaults of a placement."""
    name = request.POST.get("placement", "")
    if name not in visit.environment.placements:
        raise Http404("No such placement.")
    with in_environment(visit.environment):
        change_settings(
            environment=visit.environment,
            changes={"placements": {name: None}},
            actor=visit.actor,
        )
    messages.success(request, f"Calls for '{name}' have no defaults any more.")
    return redirect("placements", environment=visit.environment.kind)


def _save(request: HttpRequest, visit: Visit, form: DefaultsForm, name: str) -> bool:
    changed = {name: form.defaults()}
    try:
        with in_environment(visit.environment):
            check_placements(changed, unfilterable=unfilterable_attributes())
            change_settings(
                environment=visit.environment, changes={"placements": changed}, actor=visit.actor
            )
    except ShelfwiseError as error:
        form.add_refusal(error, otherwise="name" if "name" in form.fields else None)
        return False
    messages.success(request, f"Saved; calls for '{name}' take these defaults from now on.")
    return True


def _calls(visit: Visit) -> dict[str, int]:
    """Return how many calls named each placement lately."""
    now = timezone.now()
    with on_platform():
        used = usage_by_placement(
            environment_id=visit.environment.pk, since=now - _COUNTED, until=now
        )
    return {each.name: each.calls for each in used if each.name is not None}


def _rows(stored: Mapping[str, Mapping[str, Any]], calls: Mapping[str, int]) -> list[Row]:
    """Return the placements with defaults by name, then the most called of the others."""
    others = sorted((-count, name) for name, count in calls.items() if name not in stored)
    names = [*sorted(stored), *(name for _, name in others[:_SHOWN_WITHOUT_DEFAULTS])]
    return [
        Row(name, calls.get(name, 0), name in stored, _in_words(stored.get(name, {})))
        for name in names
    ]


def _in_words(defaults: Mapping[str, Any]) -> list[str]:
    return [phrase(defaults[name]) for name, phrase in _PHRASES.items() if name in defaults]


def _curl(visit: Visit, name: str) -> str:
    call = Call("for-user", {"user_id": "u-1", "placement": name, "limit": 4})
    return call.curl(key=f"sk_{visit.environment.kind}_YOUR_KEY")
