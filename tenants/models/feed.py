"""Feeds: addresses from which a store's files are fetched again and again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from django.db import models
from typing_extensions import override

from tenants.models.environment import Environment

# More often than that, a shop's system writes the file for nothing but our looks.
INTERVALS: Mapping[str, timedelta] = MappingProxyType(
    {
        "15m": timedelta(minutes=15),
        "30m": timedelta(minutes=30),
        "1h": timedelta(hours=1),
        "3h": timedelta(hours=3),
        "6h": timedelta(hours=6),
        "12h": timedelta(hours=12),
        "24h": timedelta(hours=24),
        "7d": timedelta(days=7),
    }
)


class Feed(models.Model):
    """One address, how to read what lies there, and what came of the last look at it."""

    class RunStatus(models.TextChoices):
        """Of the last run; `completed` says that an import was started."""

        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        UNCHANGED = "unchanged"
        SKIPPED = "skipped"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=26)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    url = models.TextField()
    kind = models.CharField(max_length=6)
    format = models.CharField(max_length=16)
    mode = models.CharField(max_length=11)
    every = models.CharField(max_length=3, choices=[(name, name) for name in INTERVALS])
    timezone = models.CharField(max_length=64, null=True)  # noqa: DJ001  # as of an import
    mapping = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    next_run_at = models.DateTimeField(db_index=True)
    run_status = models.CharField(max_length=9, choices=RunStatus, default=RunStatus.QUEUED)
    run_started_at = models.DateTimeField(null=True)
    run_finished_at = models.DateTimeField(null=True)
    run_bytes = models.BigIntegerField(null=True)
    run_error_code = models.CharField(max_length=64, null=True)  # noqa: DJ001  # with the text
    run_error = models.TextField(null=True)  # noqa: DJ001  # no error is no text
    failures = models.PositiveIntegerField(default=0, help_text="Failed runs in a row.")
    import_id = models.CharField(  # noqa: DJ001
        max_length=26, null=True, help_text="Of the last import that it started."
    )
    etag = models.TextField(null=True)  # noqa: DJ001
    last_modified = models.TextField(null=True)  # noqa: DJ001
    digest = models.BinaryField(
        max_length=32, null=True, help_text="SHA-256 of the file that was imported last."
    )

    @override
    def __str__(self) -> str:
        return f"{self.kind} every {self.every} ({self.run_status})"

    @property
    def interval(self) -> timedelta:
        """Return how long after one run the next one is due."""
        return INTERVALS[self.every]
