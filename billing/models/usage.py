"""Where metered calls rest: the ledger of each call, its hourly buckets, and how far logs went."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override


class UsageLedger(models.Model):
    """One answered recommendation call; append-only, and our truth of what was used.

    The table is partitioned by the UTC day inside the ULID `call_id`, so that the same call always
    meets its own primary key. Migration 0001 holds its SQL.
    """

    call_id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    # Plain numbers: usage outlives its deleted environment, and a key check per call costs.
    environment_id = models.BigIntegerField()
    source_id = models.IntegerField()
    units = models.IntegerField()
    operation = models.SmallIntegerField()
    flags = models.SmallIntegerField()
    took_step = models.SmallIntegerField(default=0)
    key_tag = models.IntegerField(default=0)
    placement_tag = models.IntegerField(default=0)

    class Meta:
        managed = False
        db_table = "billing_usageledger"

    @override
    def __str__(self) -> str:
        return f"{self.call_id} at {self.at:%Y-%m-%d %H:%M:%S}"


class UsageBucket(models.Model):
    """The calls of one environment, UTC hour and operation; `units` counts the billable ones."""

    # Not a foreign key, for the ledger's reason.
    environment_id = models.BigIntegerField()
    hour = models.DateTimeField()
    operation = models.SmallIntegerField()
    calls = models.BigIntegerField()
    units = models.BigIntegerField()
    fallbacks = models.BigIntegerField(
        db_default=0, help_text="Calls that were answered with something else than asked for."
    )

    class Meta:
        # Not a composite primary key: Django 5.2's admin cannot show one.
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["environment_id", "hour", "operation"], name="billing_usagebucket_once"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"environment {self.environment_id}, {self.hour:%Y-%m-%d %H}:00"


class UsageLatency(models.Model):
    """The calls of one environment and UTC day whose answers took about as long: shown alone."""

    environment_id = models.BigIntegerField()
    day = models.DateField()
    step = models.SmallIntegerField(help_text="Of the scale in billing.metering.record.")
    calls = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["environment_id", "day", "step"], name="billing_usagelatency_once"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"environment {self.environment_id}, {self.day}"


class UsageDetail(models.Model):
    """The calls of an hour by API key and placement: shown, never billed from."""

    environment_id = models.BigIntegerField()
    hour = models.DateTimeField()
    key_tag = models.IntegerField()
    placement_tag = models.IntegerField()
    calls = models.BigIntegerField()
    units = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["environment_id", "hour", "key_tag", "placement_tag"],
                name="billing_usagedetail_once",
            )
        ]

    @override
    def __str__(self) -> str:
        return f"environment {self.environment_id}, {self.hour:%Y-%m-%d %H}:00"


class UsageLabel(models.Model):
    """The placement that a tag stands for."""

    environment_id = models.BigIntegerField()
    tag = models.IntegerField()
    name = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["environment_id", "tag"], name="billing_usagelabel_once"
            )
        ]

    @override
    def __str__(self) -> str:
        return self.name


class UsageSource(models.Model):
    """One usage log file and how far its bytes are in the ledger."""

    id = models.AutoField(primary_key=True)
    name = models.TextField()
    shipped_bytes = models.BigIntegerField(db_default=0)
    last_sequence = models.BigIntegerField(db_default=0)
    sequence_holes = models.BigIntegerField(db_default=0)
    bad_records = models.BigIntegerField(db_default=0)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name"], name="billing_usagesource_once")
        ]

    @override
    def __str__(self) -> str:
        return self.name


class UsageShipper(models.Model):
    """A host whose usage logs are shipped, and up to when the ledger knows all of its calls."""

    host = models.CharField(max_length=255, primary_key=True)
    shipped_up_to = models.DateTimeField()

    @override
    def __str__(self) -> str:
        return self.host
