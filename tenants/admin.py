"""What staff see of tenants: read here, change by services that ask for a reason."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest
from typing_extensions import override

from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.tenant import Tenant


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # for any model
    """Rows that are looked at, never edited by hand."""

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class EnvironmentInline(admin.TabularInline):  # type: ignore[type-arg]
    """A tenant's environments on its page."""

    model = Environment
    fields = ("kind", "schema_name", "live_version", "is_pinned", "auto_train", "created_at")
    readonly_fields = fields
    can_delete = False
    extra = 0
    max_num = 0


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    """Stores."""

    list_display = ("name", "slug", "status", "plan", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "slug")
    list_select_related = ("entitlement",)
    fields = ("id", "name", "slug", "status", "created_at")
    inlines: ClassVar = [EnvironmentInline]

    @admin.display(description="plan")
    def plan(self, tenant: Tenant) -> str:
        """Return the plan that the tenant's entitlement names."""
        return tenant.entitlement.plan


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Durable work: what waits, runs, and what failed with which reason."""

    list_display = ("id", "kind", "environment", "state", "attempts", "run_after", "error")
    list_filter = ("state", "kind")
    list_select_related = ("environment__tenant",)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what, to whom and why."""

    list_display = ("at", "tenant", "actor", "action", "object", "reason")
    list_filter = ("action",)
    date_hierarchy = "at"
    list_select_related = ("tenant",)
