"""What staff changed of what was counted: the ledger itself is never changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override


class UsageAdjustment(models.Model):
    """Units added to an hour of an environment, or taken off it (comped); append-only.

    Not a foreign key: it outlives its environment as the ledger does.
    """

    environment_id = models.BigIntegerField()
    hour = models.DateTimeField()
    units = models.BigIntegerField(help_text="Negative where staff took them off.")
    reason = models.TextField()
    actor = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["environment_id", "hour"], name="billing_adjustment_by_hour")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(units=0), name="billing_adjustment_changes_something"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.units:+} units, {self.hour:%Y-%m-%d %H}:00"
