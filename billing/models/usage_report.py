"""The outbox of metered usage: what Stripe is told of each tenant's hour, and whether it knows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from typing_extensions import override

from tenants.models.tenant import Tenant


class UsageReport(models.Model):
    """The total of a tenant's hour, as it was known when the row was made.

    A total that changes later makes the next revision; what a row reports never changes.
    """

    class State(models.TextChoices):
        """Only pending reports are sent."""

        PENDING = "pending"
        SENT = "sent"
        # A newer revision says more.
        SUPERSEDED = "superseded"
        # Stripe will never take it: somebody has to look.
        REJECTED = "rejected"
        # Too old for a meter event, so its price went to the next invoice.
        INVOICED = "invoiced"

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    hour = models.DateTimeField()
    revision = models.PositiveIntegerField()
    units = models.BigIntegerField()
    last_call_at = models.DateTimeField(help_text="Within the hour and the subscription's life.")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    drift_rounds = models.PositiveIntegerField(
        default=0, help_text="How often in a row Stripe's summary disagreed."
    )
    drift_units = models.BigIntegerField(
        default=0, help_text="Stripe's total less ours, when they were last compared."
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "hour", "revision"], name="billing_usagereport_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                name="billing_usagereport_due",
                condition=Q(state="pending"),
            ),
            models.Index(fields=["hour"], name="billing_usagereport_hour"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.identifier}: {self.units}, {self.state}"

    @property
    def identifier(self) -> str:
        """What Stripe knows the report by; the same at each try."""
        return f"rec.{self.tenant_id}.{self.hour:%Y%m%d%H}.{self.revision}"
