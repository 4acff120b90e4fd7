"""Who may do what, and who did: keys, people and the audit log, as staff see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from tenants.console import ConsoleAdmin
from tenants.deeds import Deed
from tenants.models.api_key import ApiKey
from tenants.services.revoke_api_key import revoke_api_key


def _revoke(key: ApiKey, actor: str, given: Mapping[str, Any]) -> str:
    revoke_api_key(environment=key.environment, actor=actor, key_id=key.pk, reason=given["reason"])
    return f"{key} is revoked; every process refuses it within 2 seconds."


class ApiKeyAdmin(ConsoleAdmin):
    """API keys: whose, what they may, when they were last used."""

    list_display = (
        *("__str__", "environment", "kind", "name", "created_at", "last_used_at", "expires_at"),
        "revoked_at",
    )
    list_filter = (
        "kind",
        ("revoked_at", admin.EmptyFieldListFilter),
        ("environment", AutocompleteSelectFilter),
    )
    search_fields = ("=id", "name", "last_four", "environment__tenant__slug")
    list_select_related = ("environment__tenant",)
    ordering = ("-created_at",)
    exclude = ("digest", "control_seq")
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="revoke",
            title="Revoke",
            says="Calls with this key, and with tokens made from it, are refused within 2 seconds. "
            "It cannot be undone; the store makes another key.",
            do=_revoke,
            is_offered=lambda key: key.revoked_at is None,
            is_dangerous=True,
        ),
    )


class AuditEventAdmin(ConsoleAdmin):
    """Who did what, to whom and why."""

    list_display = ("at", "tenant", "actor", "action", "object", "reason")
    list_filter = (("tenant", AutocompleteSelectFilter),)
    search_fields = ("=actor", "=action", "=object")
    search_help_text = "An actor, action or object in full: staff:ann@shelfwise.example"
    list_select_related = ("tenant",)
    ordering = ("-id",)
    is_endless = True


class PersonAdmin(ConsoleAdmin):
    """People who log in: members of stores, and ourselves."""

    list_display = ("email", "name", "is_staff", "is_active", "last_login", "date_joined")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = ("email", "name", "is_staff", "is_superuser", "is_active", "last_login", "date_joined")
