"""What a store has been told of, so that it is told once: thresholds and late payments."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from tenants.models.tenant import Tenant


class UsageAlert(models.Model):
    """One threshold in one period, so that the store hears of it once."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT)
    period_start = models.DateTimeField()
    percent = models.SmallIntegerField()
    used = models.BigIntegerField()
    included = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "period_start", "percent"], name="billing_usagealert_once"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.percent} % of {self.tenant_id}"


class PaymentReminder(models.Model):
    """One day of one late payment of which a store is told, so that it is told once."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    past_due_since = models.DateTimeField()
    day = models.SmallIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "past_due_since", "day"], name="billing_paymentreminder_once"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"day {self.day} of {self.tenant_id}"
