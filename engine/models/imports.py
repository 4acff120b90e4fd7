"""Imports: what a file brought, row by row where it brought nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from typing_extensions import override

# A shop that mends its rows does so sooner; the counts by code stay with the import.
ERRORS_KEPT = timedelta(days=30)


class Import(models.Model):
    """One file on its way into the store, and how far it has come.

    Each chunk of rows is committed together with the numbers here, so that they are true whenever
    a worker dies.
    """

    class Status(models.TextChoices):
        """As the contract names them."""

        QUEUED = "queued"
        RUNNING = "running"
        NEEDS_CONFIRMATION = "needs_confirmation"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Stage(models.TextChoices):
        """Where a worker goes on."""

        READING = "reading"
        APPLYING = "applying"
        DELETING = "deleting"

    id = models.CharField(primary_key=True, max_length=26)
    kind = models.CharField(max_length=6)
    format = models.CharField(max_length=16)
    mode = models.CharField(max_length=11)
    dry_run = models.BooleanField()
    timezone = models.CharField(max_length=64, null=True)  # noqa: DJ001  # the contract's
    mapping = models.JSONField(default=dict)
    status = models.CharField(max_length=18, choices=Status, default=Status.QUEUED)
    stage = models.CharField(max_length=8, choices=Stage, default=Stage.READING)
    error = models.TextField(null=True)  # noqa: DJ001  # optional in the answer
    batches_read = models.IntegerField(default=0)
    rows_read = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True)
    rows_applied = models.BigIntegerField(default=0, help_text="Of the staged ones.")
    share_read = models.FloatField(default=0, help_text="Of the file's bytes, 0 to 1.")
    stage_started_at = models.DateTimeField(null=True)
    accepted = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    deleted = models.BigIntegerField(default=0)
    stale = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    errors_by_code = models.JSONField(default=dict)
    warnings = models.JSONField(default=list, help_text="About the file as a whole.")
    would_delete = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class ImportRowError(models.Model):
    """A row that could not be taken; one for each, whatever else is wrong with it."""

    # Not Import's foreign key: thousands come in one statement, and they go with the import.
    import_id = models.CharField(max_length=26)
    line = models.BigIntegerField()
    column = models.TextField()
    value = models.TextField()
    code = models.CharField(max_length=64)
    detail = models.TextField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["import_id", "id"], name="import_error")]

    @override
    def __str__(self) -> str:
        return f"{self.import_id}: line {self.line}"


class StagedRow(models.Model):
    """A row of a file that was read and waits for the verdict on the whole.

    In a table, not in a file beside the upload: rows and progress are committed together, and what
    the file lacks is one anti-join with the catalogue.
    """

    import_id = models.CharField(max_length=26)
    position = models.BigIntegerField(help_text="In the file, from 0; bad rows are left out.")
    batch = models.BigIntegerField(help_text="Rows of one batch are written by one statement.")
    line = models.BigIntegerField()
    name = models.CharField(  # noqa: DJ001  # an event may have none
        max_length=300, null=True, help_text="Of what it is about; rows with one name meet."
    )
    order_id = models.CharField(max_length=256, null=True)  # noqa: DJ001
    row = models.TextField(help_text="JSON; jsonb would refuse what our own reader explains.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["import_id", "position"], name="staged_row_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["import_id", "name"], name="staged_row_name"),
            models.Index(
                fields=["import_id", "order_id"],
                name="staged_row_order",
                condition=Q(order_id__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.import_id}: row {self.position}"
