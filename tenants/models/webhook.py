"""Webhooks: where a store wants to hear of what happened, and what it was told."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from typing_extensions import override

from tenants.models.environment import Environment

EVENT_TYPES = (
    "import.completed",
    "import.failed",
    "feed.failed",
    "training.failed",
    "model.promoted",
    "model.rejected",
    "quota.threshold",
    "data_quality.alert",
    "privacy.completed",
)


class Webhook(models.Model):
    """An address of the store's, and the secret that our messages to it are signed with."""

    id = models.CharField(primary_key=True, max_length=26)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    url = models.TextField()
    events = ArrayField(models.CharField(max_length=32))
    secret = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    failing_since = models.DateTimeField(
        null=True, help_text="When the first message failed that none after it has got through."
    )
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.TextField(blank=True)

    @override
    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One message to one webhook, and how the attempts to deliver it went."""

    class State(models.TextChoices):
        """Pending ones are tried again until they are given up."""

        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    # The message's id, by which the receiver knows a repetition.
    id = models.CharField(primary_key=True, max_length=26)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE)
    type = models.CharField(max_length=32)
    # As it is sent: the signature is of these very characters.
    payload = models.TextField()
    created_at = models.DateTimeField(db_index=True)
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_attempt_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["webhook", "id"], name="webhook_deliveries")]

    @override
    def __str__(self) -> str:
        return f"{self.type} ({self.state})"
