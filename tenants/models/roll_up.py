"""What is known of all stores at once: written by their own jobs, so that no page asks a schema."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from tenants.models.environment import Environment


class EnvironmentDay(models.Model):
    """An environment on a UTC day. What it counts is the day's, what it measures is as of its end.

    Two write to it, each its own columns: billing the calls, engine the rest.
    """

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="days")
    day = models.DateField(db_index=True)
    calls = models.BigIntegerField(db_default=0)
    units = models.BigIntegerField(db_default=0, help_text="The billable ones of the calls.")
    fallbacks = models.BigIntegerField(
        db_default=0, help_text="Calls answered with something else than was asked for."
    )
    events = models.BigIntegerField(db_default=0, help_text="As they came, whenever they happened.")
    last_event_id = models.BigIntegerField(
        null=True, help_text="Up to which the environment's events are counted."
    )
    items = models.IntegerField(null=True)
    newest_event_at = models.DateTimeField(null=True)
    ndcg = models.FloatField(null=True, help_text="NDCG@10 of the version that is live.")
    popular_ndcg = models.FloatField(null=True, help_text="Of popularity in the same examination.")
    schema_bytes = models.BigIntegerField(null=True)
    dead_rows = models.BigIntegerField(null=True, help_text="That a vacuum would take away.")
    vacuumed_at = models.DateTimeField(null=True, help_text="Its largest table, by whomever.")
    analysed_at = models.DateTimeField(null=True, help_text="Its largest table, by whomever.")
    migration = models.CharField(  # noqa: DJ001  # not looked at yet
        max_length=255, null=True, help_text="The newest that its schema has."
    )
    measured_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["environment", "day"], name="environment_day_once")
        ]

    @override
    def __str__(self) -> str:
        return f"environment {self.environment_id} on {self.day}"


class TrainingRecord(models.Model):
    """A training of any store, once it has ended."""

    run_id = models.CharField(primary_key=True, max_length=26)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8)
    status = models.CharField(max_length=9)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_index=True)
    seconds = models.FloatField(null=True, help_text="Without the wait in the queue.")
    rows = models.BigIntegerField(null=True)
    error = models.TextField(blank=True)
    model_version = models.CharField(max_length=26, blank=True)
    verdict = models.CharField(max_length=8, blank=True)
    reason = models.TextField(blank=True, help_text="The promotion gate's.")
    ndcg = models.FloatField(null=True)
    popular_ndcg = models.FloatField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["environment", "-finished_at"], name="training_by_environment")
        ]

    @override
    def __str__(self) -> str:
        return f"{self.run_id} ({self.status})"
