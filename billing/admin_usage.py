"""Usage by the hour, what Stripe was told of it, and what Stripe told us, as staff see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from typing_extensions import override
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from billing.metering.record import Operation
from billing.models.stripe_event import StripeEvent
from billing.models.usage import UsageBucket
from billing.models.usage_report import UsageReport
from billing.selectors.outbox_health import outbox_health
from billing.services.ask_reconciliation import ask_reconciliation
from billing.services.replay_stripe_event import replay_stripe_event
from billing.services.resend_usage import resend_usage
from tenants.console import STATES, ConsoleAdmin, column
from tenants.deeds import Deed
from tenants.models.environment import Environment

REPORT_STATES = {
    "pending": "info",
    "sent": "success",
    "superseded": "default",
    "rejected": "danger",
    "invoiced": "warning",
}


class OfEnvironment(ConsoleAdmin):
    """Rows that name an environment by its number alone, which may be deleted by now."""

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = Environment.with_deleted.filter(pk=OuterRef("environment_id"))
        rows: QuerySet[Any] = super().get_queryset(request)
        named: QuerySet[Any] = rows.annotate(
            store=Subquery(found.values("tenant__slug")[:1]),
            environment_kind=Subquery(found.values("kind")[:1]),
        )
        return named

    @column("environment")
    def environment(self, row: Any) -> str:
        """Return whose row it is."""
        return f"{row.store}/{row.environment_kind}" if row.store else f"{row.environment_id}"


class UsageBucketAdmin(OfEnvironment):
    """Calls of an environment in an hour; units are the billable ones."""

    list_display = ("hour", "environment", "shown_operation", "calls", "units", "fallbacks")
    list_filter = ("operation",)
    search_fields = ("=environment_id",)
    search_help_text = "The number of an environment; a store's page has it."
    ordering = ("-id",)
    is_endless = True

    @column("operation", ordering="operation")
    def shown_operation(self, bucket: UsageBucket) -> str:
        """Return what was asked for."""
        try:
            return Operation(bucket.operation).name.lower().replace("_", " ")
        except ValueError:
            return str(bucket.operation)


class UsageSourceAdmin(ConsoleAdmin):
    """Usage logs of serving processes: a hole or a bad record is a call that may be lost."""

    list_display = ("name", "shipped_bytes", "sequence_holes", "bad_records", "updated_at")
    ordering = ("-updated_at",)
    is_endless = True


class UsageShipperAdmin(ConsoleAdmin):
    """Hosts, and up to when all of their calls are in the ledger."""

    list_display = ("host", "shipped_up_to")


class UsageAdjustmentAdmin(OfEnvironment):
    """What was taken off bills, and why."""

    list_display = ("at", "environment", "hour", "units", "reason", "actor")
    search_fields = ("=actor", "reason")
    ordering = ("-at",)


def _resend(report: UsageReport, actor: str, given: Mapping[str, Any]) -> str:
    revision = resend_usage(
        tenant_id=report.tenant_id, hour=report.hour, actor=actor, reason=given["reason"]
    )
    return f"Revision {revision} of {report.hour:%Y-%m-%d %H}:00 goes to Stripe within a minute."


def _reconcile(_: object, actor: str, given: Mapping[str, Any]) -> str:
    ask_reconciliation(actor=actor, reason=given["reason"])
    return "All stores' hours are compared with Stripe's now; drift stands here once it is done."


class DriftFilter(admin.SimpleListFilter):
    """Hours of which Stripe counts something else."""

    title = "drift"
    parameter_name = "drift"

    @override
    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Stripe counts something else")]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(drift_rounds__gt=0) if self.value() == "yes" else queryset


class UsageReportAdmin(ConsoleAdmin):
    """What Stripe was told of each hour, and where it counted something else."""

    list_display = (
        *("hour", "tenant", "revision", "units", "shown_state", "drift_units", "drift_rounds"),
        *("sent_at", "error"),
    )
    list_filter = (
        "state",
        DriftFilter,
        ("tenant", AutocompleteSelectFilter),
    )
    search_fields = ("tenant__slug",)
    list_select_related = ("tenant",)
    ordering = ("-hour", "-id")
    is_endless = True
    list_before_template = "staff/outbox.html"
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="resend",
            title="Tell Stripe again",
            says="Sends the hour's newest total as its next revision, also where Stripe had "
            "rejected it.",
            do=_resend,
            is_for_many=True,
        ),
    )
    list_deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="reconcile",
            title="Compare with Stripe now",
            says="Asks Stripe what it has counted of every store's last 50 hours, and sends again "
            "what differs; the clock does the same every hour.",
            do=_reconcile,
        ),
    )

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "outbox": outbox_health(now=timezone.now())}
        return super().changelist_view(request, context)

    @column("state", label=REPORT_STATES, ordering="state")
    def shown_state(self, report: UsageReport) -> str:
        """Return how it stands with the report."""
        return report.state


def _replay(event: StripeEvent, actor: str, given: Mapping[str, Any]) -> str:
    replay_stripe_event(event_id=event.pk, actor=actor, reason=given["reason"])
    return f"{event.type} is acted on again within seconds."


class StripeEventAdmin(ConsoleAdmin):
    """What Stripe has told us of subscriptions, invoices and meters."""

    list_display = ("received_at", "type", "id", "shown_state", "processed_at")
    list_filter = (("processed_at", admin.EmptyFieldListFilter),)
    search_fields = ("=id", "type__startswith")
    search_help_text = "An event's id, or how its type begins: invoice."
    ordering = ("-received_at",)
    is_endless = True
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="replay",
            title="Replay",
            says="Acts on the event once more: asks Stripe how things are now, and notes it here.",
            do=_replay,
            is_for_many=True,
        ),
    )

    @column("state", label=STATES)
    def shown_state(self, event: StripeEvent) -> str:
        """Return whether we have acted on it."""
        return "pending" if event.processed_at is None else "done"
