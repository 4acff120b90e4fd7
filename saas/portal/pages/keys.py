"""The page of the store's API keys: what there is, and new ones, which are shown once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from saas.lib.origins import is_origin
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page, store_page
from tenants import tokens
from tenants.context import in_environment
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tenants.selectors.api_keys import api_key, api_keys, revoked_api_keys
from tenants.services.create_api_key import NewApiKey, create_api_key
from tenants.services.revoke_api_key import revoke_api_key
from tenants.services.rotate_api_key import rotate_api_key

# More keys than a store can tell apart; the API lists them all.
MAX_SHOWN = 200
MAX_REVOKED = 20
EXPIRES_SOON = timedelta(days=7)
MAX_ORIGINS = 100
_SCOPES = {
    "catalogue:read": "read items, users, imports and feeds",
    "catalogue:write": "send items and users, import files",
    "events:read": "read events",
    "events:write": "send events",
    "recommendations:read": "ask for recommendations",
    "models:read": "read models and their quality",
    "models:write": "train, promote and roll back models",
    "usage:read": "read usage",
    "usage:write": "change the spend cap",
    "settings:write": "change settings, keys and webhooks",
    "audit:read": "read the audit log",
    "privacy:write": "erase and export shoppers",
}
_DAYS = (("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"))
_OVERLAPS = ((0, "At once"), (1, "In an hour"), (24, "In a day"), (168, "In a week"))


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the page shows it."""

    key: ApiKey
    status: str
    tone: str


@dataclass(frozen=True, slots=True)
class EnvironmentKeys:
    """The keys of one environment."""

    kind: str
    keys: list[KeyRow]
    revoked: list[ApiKey]


class KeyForm(forms.Form):
    """What every new key is asked for."""

    name = forms.CharField(
        max_length=100, help_text="Where it is used, such as 'checkout server'; only you see it."
    )
    expires = forms.ChoiceField(label="Expires", choices=_DAYS, required=False)

    @property
    def expires_at(self) -> datetime | None:
        """When the key ends, if ever."""
        days = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class SecretKeyForm(KeyForm):
    """A key for a server."""

    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope, f"{_SCOPES[scope]} ({scope})") for scope in tokens.SCOPES],
        initial=tokens.SCOPES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one; a key that may do nothing is of no use."},
    )


class PublishableKeyForm(KeyForm):
    """A key for pages."""

    origins = forms.CharField(
        label="Your pages' origins",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "https://www.example.com"}),
        help_text="One a line, such as https://www.example.com: pages of other sites are refused.",
    )

    def clean_origins(self) -> list[str]:
        """Return the origins, each as a browser sends it."""
        origins = cast(str, self.cleaned_data["origins"]).split()
        for origin in origins:
            if not is_origin(origin):
                raise forms.ValidationError(
                    f"'{origin[:80]}' is no origin; write a scheme and a host alone, such as "
                    "https://www.example.com."
                )
        if len(origins) > MAX_ORIGINS:
            raise forms.ValidationError(f"{len(origins)} are too many; {MAX_ORIGINS} at most.")
        return origins


class RotationForm(forms.Form):
    """How long the old key goes on working."""

    overlap = forms.TypedChoiceField(
        label="The old key ends",
        choices=_OVERLAPS,
        coerce=int,
        initial=24,
        help_text="Put the new key into use before.",
    )


@store_page(Right.MANAGE_KEYS)
def keys(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the keys of both environments."""
    environments = [_keys_of(environment) for environment in (visit.live, visit.test)]
    return visit.render("portal/keys.html", {"environments": environments})


@environment_page(Right.MANAGE_KEYS)
def new_key(request: HttpRequest, visit: Visit, key_kind: str) -> HttpResponse:
    """Make a key and show it, this once."""
    form_class = SecretKeyForm if key_kind == ApiKey.Kind.SECRET else PublishableKeyForm
    form = form_class(request.POST or None)
    if not form.is_valid():
        return visit.render("portal/keys/new.html", {"form": form, "kind": key_kind})
    with in_environment(visit.environment):
        new = create_api_key(
            environment=visit.environment,
            actor=visit.actor,
            name=form.cleaned_data["name"],
            kind=cast(tokens.KeyKind, key_kind),
            scopes=form.cleaned_data.get("scopes"),
            allowed_origins=form.cleaned_data.get("origins", ()),
            expires_at=form.expires_at,
        )
    return _show_once(visit, new)


@environment_page(Right.MANAGE_KEYS)
def rotate_key(request: HttpRequest, visit: Visit, key_id: str) -> HttpResponse:
    """Ask how long the old key shall work, then show the new one."""
    old = api_key(environment_id=visit.environment.pk, key_id=key_id)
    form = RotationForm(request.POST or None)
    if not form.is_valid():
        return visit.render("portal/keys/rotate.html", {"form": form, "key": old})
    with in_environment(visit.environment):
        new = rotate_api_key(
            environment=visit.environment,
            actor=visit.actor,
            key_id=key_id,
            overlap_hours=form.cleaned_data["overlap"],
        )
    old = api_key(environment_id=visit.environment.pk, key_id=key_id)
    return _show_once(visit, new, replaced=old)


@environment_page(Right.MANAGE_KEYS)
def revoke_key(request: HttpRequest, visit: Visit, key_id: str) -> HttpResponse:
    """Ask whether it is meant, then end the key."""
    key = api_key(environment_id=visit.environment.pk, key_id=key_id)
    if request.method != "POST":
        return visit.render("portal/keys/revoke.html", {"key": key})
    with in_environment(visit.environment):
        revoke_api_key(environment=visit.environment, actor=visit.actor, key_id=key_id)
    messages.success(request, f"{key.name} ({key}) is revoked: it is refused within two seconds.")
    return redirect("keys")


def _show_once(visit: Visit, new: NewApiKey, **context: Any) -> HttpResponse:
    return visit.render("portal/keys/created.html", {"new": new, **context})


def _keys_of(environment: Environment) -> EnvironmentKeys:
    now = timezone.now()
    rows = api_keys(environment_id=environment.pk, after=None, limit=MAX_SHOWN)
    return EnvironmentKeys(
        kind=environment.kind,
        keys=[_row(key, now=now) for key in rows],
        revoked=revoked_api_keys(environment_id=environment.pk, limit=MAX_REVOKED),
    )


def _row(key: ApiKey, *, now: datetime) -> KeyRow:
    if key.expires_at is None or key.expires_at > now + EXPIRES_SOON:
        return KeyRow(key, "active", "good")
    if key.expires_at > now:
        return KeyRow(key, "expires soon", "warn")
    return KeyRow(key, "expired", "bad")
