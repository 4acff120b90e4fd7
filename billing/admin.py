"""What staff see of billing: plans, who has which, usage by the hour, and how far it is shipped."""

from __future__ import annotations

from django.contrib import admin

from billing.models.adjustment import UsageAdjustment
from billing.models.plan import Plan
from billing.models.stripe_event import StripeEvent
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket, UsageShipper, UsageSource
from billing.models.usage_report import UsageReport
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


@admin.register(UsageShipper)
class UsageShipperAdmin(ReadOnlyAdmin):
    """Hosts, and up to when all of their calls are in the ledger."""

    list_display = ("host", "shipped_up_to")


@admin.register(UsageAdjustment)
class UsageAdjustmentAdmin(ReadOnlyAdmin):
    """What was taken off bills, and why."""

    list_display = ("at", "environment_id", "hour", "units", "reason", "actor")
    date_hierarchy = "at"


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    """What is sold."""

    list_display = ("code", "currency", "price_minor", "included_calls", "quota", "is_offered")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Which store has which plan, and how it stands with paying."""

    list_display = ("tenant", "plan", "state", "current_period_end", "spend_cap_minor")
    list_filter = ("state", "plan")
    list_select_related = ("tenant", "plan")


@admin.register(UsageReport)
class UsageReportAdmin(ReadOnlyAdmin):
    """What Stripe was told of each hour, and where it counted something else."""

    list_display = ("hour", "tenant", "revision", "units", "state", "drift_units", "error")
    list_filter = ("state",)
    list_select_related = ("tenant",)
    date_hierarchy = "hour"


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """What Stripe has told us."""

    list_display = ("received_at", "type", "id", "processed_at")
    list_filter = ("type",)
