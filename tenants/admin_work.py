"""Work for stores as staff see it: jobs, trainings, and messages to webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import Truncator
from typing_extensions import override
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from tenants.console import STATES, ConsoleAdmin, column
from tenants.deeds import Deed
from tenants.jobs import MAIL_JOB
from tenants.models.job import Job
from tenants.models.roll_up import TrainingRecord
from tenants.models.webhook import WebhookDelivery
from tenants.services.resend_webhook import resend_webhook

# Of a text in a list.
SHOWN_CHARACTERS = 90


class TrainingRecordAdmin(ConsoleAdmin):
    """Trainings of all stores that have ended."""

    list_display = (
        *("finished_at", "environment", "kind", "shown_status", "took", "shown_rows", "shown_ndcg"),
        *("popularity", "gain", "verdict", "outcome"),
    )
    list_filter = ("status", "kind", "verdict", ("environment", AutocompleteSelectFilter))
    search_fields = ("run_id", "model_version", "environment__tenant__slug")
    list_select_related = ("environment__tenant",)
    ordering = ("-finished_at",)
    is_endless = True

    @column("status", label=STATES)
    def shown_status(self, record: TrainingRecord) -> str:
        """Return how it ended."""
        return record.status

    @column("took", ordering="seconds")
    def took(self, record: TrainingRecord) -> str:
        """Return its seconds, without the wait in the queue."""
        return "" if record.seconds is None else f"{record.seconds:,.1f}\N{NO-BREAK SPACE}s"

    @column("rows", ordering="rows")
    def shown_rows(self, record: TrainingRecord) -> str:
        """Return how much it learnt from."""
        return "" if record.rows is None else f"{record.rows:,}"

    @column("NDCG@10", ordering="ndcg")
    def shown_ndcg(self, record: TrainingRecord) -> str:
        """Return the model's quality."""
        return "" if record.ndcg is None else f"{record.ndcg:.3f}"

    @column("popularity's", ordering="popular_ndcg")
    def popularity(self, record: TrainingRecord) -> str:
        """Return what popularity reaches in the same examination."""
        return "" if record.popular_ndcg is None else f"{record.popular_ndcg:.3f}"

    @column("difference")
    def gain(self, record: TrainingRecord) -> str:
        """Return how much better than popularity the model is."""
        if record.ndcg is None or record.popular_ndcg is None:
            return ""
        return f"{record.ndcg - record.popular_ndcg:+.3f}"

    @column("why")
    def outcome(self, record: TrainingRecord) -> str:
        """Return the error or the gate's reason; the whole of it is on the row's page."""
        return Truncator(record.error or record.reason).chars(SHOWN_CHARACTERS)


class JobAdmin(ConsoleAdmin):
    """Durable work: what waits, runs, and what failed with which reason."""

    list_display = ("id", "kind", "environment", "shown_state", "attempts", "run_after", "why")
    list_filter = ("state", ("environment", AutocompleteSelectFilter))
    search_fields = ("=id", "kind__startswith")
    search_help_text = "A job's number, or how its kind begins: engine.tasks.train"
    list_select_related = ("environment__tenant",)
    ordering = ("-id",)
    is_endless = True

    @override
    def get_exclude(self, request: HttpRequest, obj: Job | None = None) -> tuple[str, ...]:
        # What a mail says is for whom it is to, sealed or not.
        return ("payload",) if obj is not None and obj.kind == MAIL_JOB else ()

    @column("error")
    def why(self, job: Job) -> str:
        """Return why it failed, as far as a row holds it."""
        return Truncator(job.error).chars(SHOWN_CHARACTERS)

    @column("state", label=STATES)
    def shown_state(self, job: Job) -> str:
        """Return how it stands with the job."""
        return job.state


class WebhookAdmin(ConsoleAdmin):
    """Where stores want to hear from us."""

    list_display = ("url", "environment", "events", "created_at", "failing_since", "disabled_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter),)
    search_fields = ("url", "environment__tenant__slug")
    list_select_related = ("environment__tenant",)
    exclude = ("secret",)


def _resend(delivery: WebhookDelivery, actor: str, given: Mapping[str, Any]) -> str:
    resend_webhook(delivery_id=delivery.pk, actor=actor, reason=given["reason"])
    return f"{delivery.type} to {delivery.webhook.url} is sent again now."


class WebhookDeliveryAdmin(ConsoleAdmin):
    """Messages to stores, and how they were taken."""

    list_display = (
        *("created_at", "type", "webhook", "shown_state", "attempts", "response_status"),
        *("next_attempt_at", "error"),
    )
    list_filter = ("state", "type")
    search_fields = ("=id", "webhook__environment__tenant__slug")
    list_select_related = ("webhook__environment__tenant",)
    ordering = ("-created_at",)
    is_endless = True
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="resend",
            title="Send again",
            says="The same message goes out again now, with the same id, and is retried as ever.",
            do=_resend,
            is_offered=lambda delivery: delivery.state == WebhookDelivery.State.FAILED,
            is_for_many=True,
        ),
    )

    @column("state", label=STATES)
    def shown_state(self, delivery: WebhookDelivery) -> str:
        """Return how it stands with the message."""
        return delivery.state
