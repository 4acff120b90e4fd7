"""Exports: files of a store's own data, written once and kept for some days."""

from __future__ import annotations

from django.db import models
from typing_extensions import override

from tenants.models.environment import Environment


class Export(models.Model):
    """One file that was asked for, and how far its writing has come."""

    class Status(models.TextChoices):
        """How it stands with the file."""

        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=26)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    kind = models.CharField(max_length=16)
    format = models.CharField(max_length=7)
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    # Of recommendations; the ids are kept until the file is written, None stands for all users.
    user_ids = models.JSONField(null=True)
    list_length = models.PositiveSmallIntegerField(default=0)
    rows_written = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True)
    bytes = models.BigIntegerField(null=True)
    error = models.TextField(null=True)  # noqa: DJ001  # no error is no text
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"{self.kind} as {self.format} ({self.status})"
