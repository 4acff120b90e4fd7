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
    """What a tenant may do now: written by billing, read by everyone.

    Where a limit is None there is none: a tenant that nobody has subscribed to a plan is not held
    to one.
    """

    class Access(models.TextChoices):
        """What is answered at all; the rest gets 402."""

        FULL = "full"
        # What it has, and its exports.
        READS = "reads"
        # What it owes.
        CLOSED = "closed"

    tenant = models.OneToOneField(
        Tenant, on_delete=models.CASCADE, primary_key=True, related_name="entitlement"
    )
    plan = models.CharField(max_length=32, default="free")
    state = models.CharField(max_length=32, default="active")
    access = models.CharField(max_length=8, choices=Access, default=Access.FULL)
    rate_per_second = models.PositiveIntegerField(null=True)
    burst = models.PositiveIntegerField(null=True)
    period_start = models.DateTimeField(null=True)
    period_end = models.DateTimeField(null=True)
    included_calls = models.PositiveBigIntegerField(null=True)
    call_limit = models.PositiveBigIntegerField(
        null=True, help_text="Units in the period after which on_limit decides."
    )
    limited_by = models.CharField(
        max_length=16, default="", help_text="quota, trial or spend_cap: what set the limit."
    )
    catalogue_items = models.PositiveIntegerField(null=True)
    events_per_day = models.PositiveBigIntegerField(null=True)
    changes_at = models.DateTimeField(
        null=True, help_text="When billing has to decide anew though nothing was done."
    )
    training_seconds = models.FloatField(help_text="The time budget of one training run.")
    retention_days = models.PositiveIntegerField(
        default=1_095, help_text="How long events are kept, back from the newest."
    )
    control_seq = models.BigIntegerField(default=0, editable=False)

    @override
    def __str__(self) -> str:
        return f"{self.plan} of {self.tenant_id}"
