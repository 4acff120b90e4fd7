"""Credit that staff gives to stores: who asked, who decided, and whether Stripe has it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from tenants.models.tenant import Tenant


class Credit(models.Model):
    """Money for metered calls; over an amount, who asks for it is not who decides it."""

    class State(models.TextChoices):
        """From asking to Stripe."""

        # For a second person's decision.
        WAITING = "waiting"
        DECLINED = "declined"
        # Decided; Stripe is told by a job.
        APPROVED = "approved"
        GRANTED = "granted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(
        max_length=100, unique=True, help_text="Of the form that asked, so that it asks once."
    )
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    reason = models.TextField()
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(db_default=Now())
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField(blank=True, help_text="Why it was approved or declined.")
    stripe_grant_id = models.CharField(max_length=255, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "asked_at"], name="billing_credit_by_tenant")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0), name="billing_credit_is_something"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency} for {self.tenant_id}, {self.state}"
