"""What staff see of billing: usage by the hour, and how far each usage log is shipped."""

from __future__ import annotations

from django.contrib import admin

from billing.models.usage import UsageBucket, UsageSource
from tenants.admin import ReadOnlyAdmin


@admin.register(UsageBucket)
class UsageBucketAdmin(ReadOnlyAdmin):
    """Calls of an environment in an hour; units are the billable ones."""

    list_display = ("hour", "environment_id", "operation", "calls", "units")
    list_filter = ("operation",)
    date_hierarchy = "hour"


@admin.register(UsageSource)
class UsageSourceAdmin(ReadOnlyAdmin):
    """Usage logs of serving processes."""

    list_display = ("name", "shipped_bytes", "sequence_holes", "bad_records", "updated_at")
