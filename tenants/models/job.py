"""Durable work: a job is a row, Celery only runs it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from typing_extensions import override

from tenants.models.environment import Environment


class Job(models.Model):
    """Something to be done once, that survives the death of any process."""

    class State(models.TextChoices):
        """Queued and running jobs may still have an effect; the others never will."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        # Failed, and looked at by staff: nothing is to be done about it.
        DROPPED = "dropped"

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, null=True)
    kind = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    fencing_token = models.BigIntegerField(
        default=0, help_text="Grows with each claim; an older holder can commit nothing."
    )
    lease_until = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    run_after = models.DateTimeField()
    dedupe_key = models.CharField(  # noqa: DJ001  # many rows have no key
        max_length=200, null=True, unique=True, help_text="The same work is queued once, ever."
    )
    exclusive_key = models.CharField(  # noqa: DJ001
        max_length=200, null=True, unique=True, help_text="Held while queued or running."
    )
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["run_after"],
                name="job_due",
                condition=Q(state__in=["queued", "running"]),
            ),
            # What waits for staff: few among millions that are done.
            models.Index(fields=["-finished_at"], name="job_failed", condition=Q(state="failed")),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"
