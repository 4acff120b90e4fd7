"""The stores, and what their plans allow them."""

from __future__ import annotations

import uuid

from django.db import models
from typing_extensions import override


class Tenant(models.Model):
    """A store: one customer of ours, with a live and a test environment."""

    class Status(models.TextChoices):
        """What staff decided; deleted is a tombstone that keeps the ledger readable."""

        ACTIVE = "active"
        SUSPENDED = "suspended"
        DELETED = "deleted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True, help_text="Names the store in hostnames.")
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    control_seq = models.BigIntegerField(default=0, editable=False)

    @override
    def __str__(self) -> str:
        return self.name


class Entitlement(models.Model):
    """What a tenant may do now: written by billing, read by everyone."""

    tenant = models.OneToOneField(
        Tenant, on_delete=models.CASCADE, primary_key=True, related_name="entitlement"
    )
    plan = models.CharField(max_length=32, default="free")
    state = models.CharField(max_length=32, default="active")
    rate_per_second = models.PositiveIntegerField(default=100)
    burst = models.PositiveIntegerField(default=200)
    training_seconds = models.FloatField(help_text="The time budget of one training run.")
    retention_days = models.PositiveIntegerField(
        default=1_095, help_text="How long events are kept, back from the newest."
    )
    control_seq = models.BigIntegerField(default=0, editable=False)

    @override
    def __str__(self) -> str:
        return f"{self.plan} of {self.tenant_id}"
