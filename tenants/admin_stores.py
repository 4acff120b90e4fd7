"""Stores as staff see them: how each is doing, its schemas, its people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.dateparse import parse_datetime
from typing_extensions import override
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from tenants.console import STATES, ConsoleAdmin, column
from tenants.deeds import Deed
from tenants.models.environment import Environment
from tenants.models.person import Member
from tenants.models.roll_up import EnvironmentDay
from tenants.models.tenant import Tenant
from tenants.selectors.store_health import store_health, with_vitals
from tenants.services.suspend_tenant import resume_tenant, suspend_tenant

LEVELS = {"good": "success", "new": "info", "watch": "warning", "bad": "danger"}
# What the roll-up knows of a schema.
_MEASURED = (
    *("migration", "size", "dead_rows", "vacuumed_at", "analysed_at"),
    *("items", "events", "measured_at"),
)


class EnvironmentInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    """A tenant's environments on its page."""

    model = Environment
    fields = ("kind", "schema_name", "live_version", "is_pinned", "auto_train", "created_at")
    readonly_fields = fields
    can_delete = False
    extra = 0
    max_num = 0
    hide_title = True
    show_change_link = True

    @override
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class MemberInline(TabularInline):  # type: ignore[misc]
    """The people of a tenant on its page."""

    model = Member
    fields = ("person", "role", "created_at")
    readonly_fields = fields
    can_delete = False
    extra = 0
    max_num = 0
    hide_title = True

    @override
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        rows: QuerySet[Member] = super().get_queryset(request)
        return rows.select_related("person")


def _suspend(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    suspend_tenant(slug=tenant.slug, actor=actor, reason=given["reason"])
    return f"{tenant.name} is suspended; its calls are refused within 2 seconds."


def _resume(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    resume_tenant(slug=tenant.slug, actor=actor, reason=given["reason"])
    return f"{tenant.name} is answered again."


class TenantAdmin(ConsoleAdmin):
    """Stores; what billing and the rest know of them is added where all is known, in saas.staff."""

    list_display: ClassVar[Any] = (
        "name",
        "slug",
        "shown_status",
        "plan",
        "shown_health",
        "why",
        "calls_today",
        "calls_of_week",
        "created_at",
    )
    list_filter = ("status", "entitlement__plan", "entitlement__access")
    search_fields = ("name", "slug")
    ordering = ("-created_at",)
    fields: ClassVar[Any] = (
        ("name", "slug"),
        ("shown_status", "plan"),
        ("shown_health", "why"),
        ("calls_today", "calls_of_week"),
        ("id", "created_at"),
    )
    readonly_fields: ClassVar[Any] = (
        *("shown_status", "plan", "shown_health", "why", "calls_today", "calls_of_week"),
    )
    inlines: ClassVar[Any] = [EnvironmentInline, MemberInline]
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="suspend",
            title="Suspend",
            says="Every call of the store is refused with 403 within 2 seconds, and its people see "
            "why in the portal. Nothing of its data is touched.",
            do=_suspend,
            is_offered=lambda tenant: tenant.status == Tenant.Status.ACTIVE,
            is_dangerous=True,
        ),
        Deed(
            name="resume",
            title="Answer again",
            says="The store's calls are answered again within 2 seconds.",
            do=_resume,
            is_offered=lambda tenant: tenant.status == Tenant.Status.SUSPENDED,
        ),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_vitals(super().get_queryset(request))

    @column("status", label=STATES, ordering="status")
    def shown_status(self, tenant: Tenant) -> str:
        """Return what staff decided."""
        return tenant.status

    @column("plan", ordering="entitlement__plan")
    def plan(self, tenant: Tenant) -> str:
        """Return the plan that the tenant's entitlement names, and how it stands with it."""
        entitlement = tenant.entitlement
        is_plain = entitlement.state == "active"
        return entitlement.plan if is_plain else f"{entitlement.plan} ({entitlement.state})"

    @column("health", label=LEVELS)
    def shown_health(self, tenant: Any) -> str:
        """Return how the store is doing, in a word."""
        return "" if tenant.status == Tenant.Status.DELETED else store_health(tenant).level

    @column("why")
    def why(self, tenant: Any) -> str:
        """Return why."""
        return "" if tenant.status == Tenant.Status.DELETED else store_health(tenant).reason

    @column("calls today", ordering="calls_today")
    def calls_today(self, tenant: Any) -> str:
        """Return the recommendation calls of the UTC day so far."""
        return f"{tenant.calls_today or 0:,}"

    @column("calls in 7 days", ordering="calls_of_week")
    def calls_of_week(self, tenant: Any) -> str:
        """Return the calls of today and the six days before."""
        return f"{tenant.calls_of_week or 0:,}"


class EnvironmentAdmin(ConsoleAdmin):
    """Schemas: how far each is migrated, how large it is, what it holds."""

    list_display = ("__str__", "schema_name", *_MEASURED)
    list_filter = ("kind", ("tenant", AutocompleteSelectFilter))
    search_fields = ("tenant__name", "tenant__slug", "schema_name")
    list_select_related = ("tenant",)
    readonly_fields = _MEASURED
    exclude = ("control_seq",)

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        days = EnvironmentDay.objects.filter(environment=OuterRef("pk"))
        names = (
            *("measured_at", "migration", "schema_bytes", "items"),
            *("dead_rows", "vacuumed_at", "analysed_at"),
        )
        rows: QuerySet[Any] = super().get_queryset(request)
        measured: QuerySet[Any] = rows.annotate(
            known=Subquery(
                days.filter(measured_at__isnull=False)
                .order_by("-day")
                .values(known=JSONObject(**{name: F(name) for name in names}))[:1]
            ),
            all_events=Subquery(
                days.order_by().values("environment").annotate(all=Sum("events")).values("all")
            ),
        )
        return measured

    @column("newest migration")
    def migration(self, environment: Any) -> str:
        """Return the newest migration that the schema has."""
        return (environment.known or {}).get("migration") or "not measured yet"

    @column("size")
    def size(self, environment: Any) -> str:
        """Return what its tables and indexes take on disk."""
        size = (environment.known or {}).get("schema_bytes")
        return "" if size is None else filesizeformat(size)

    @column("dead rows")
    def dead_rows(self, environment: Any) -> str:
        """Return how many rows a vacuum would take away."""
        return _number(environment, "dead_rows")

    @column("vacuumed at")
    def vacuumed_at(self, environment: Any) -> datetime | None:
        """Return when its largest table was vacuumed last."""
        return _moment(environment, "vacuumed_at")

    @column("analysed at")
    def analysed_at(self, environment: Any) -> datetime | None:
        """Return when the planner last looked at its largest table."""
        return _moment(environment, "analysed_at")

    @column("items")
    def items(self, environment: Any) -> str:
        """Return the size of its catalogue."""
        return _number(environment, "items")

    @column("events received")
    def events(self, environment: Any) -> str:
        """Return how many events have ever come."""
        return "" if environment.all_events is None else f"{environment.all_events:,}"

    @column("measured at")
    def measured_at(self, environment: Any) -> datetime | None:
        """Return when these numbers were taken."""
        return _moment(environment, "measured_at")


def _number(environment: Any, name: str) -> str:
    found = (environment.known or {}).get(name)
    return "" if found is None else f"{found:,}"


def _moment(environment: Any, name: str) -> datetime | None:
    text = (environment.known or {}).get(name)
    return parse_datetime(text) if text else None
