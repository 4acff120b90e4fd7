"""What Stripe told us, as it came: stored before anything is done about it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override


class StripeEvent(models.Model):
    """One event; webhooks bring it once, several times or never."""

    id = models.CharField(max_length=255, primary_key=True)
    type = models.CharField(max_length=255)
    body = models.TextField(help_text="As it was signed, or as the nightly list had it.")
    received_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"{self.type} {self.id}"
