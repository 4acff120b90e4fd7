"""What shoppers asked for about themselves, and what keeps the erased from coming back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override


class PrivacyRequest(models.Model):
    """An erasure or an export of one shopper: the work to do, then its receipt."""

    class Kind(models.TextChoices):
        """As the contract names them."""

        ERASE = "erase"
        EXPORT = "export"

    class Status(models.TextChoices):
        """An erasure takes effect when it is queued; the work behind it is never given up."""

        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=26)
    kind = models.CharField(max_length=6, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    subject = models.JSONField(null=True, help_text="Whom it is about; forgotten with the end.")
    removed = models.JSONField(default=dict, help_text="How much of what is gone.")
    change_seq = models.BigIntegerField(
        null=True, help_text="The catalogue clock's value of an erasure; models read it or not."
    )
    error = models.TextField(null=True)  # noqa: DJ001  # optional in the answer
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.status})"


class Tombstone(models.Model):
    """What a shopper did in this time stays out, on every way in and in every model.

    It names nobody: a keyed digest is enough to recognise the id when it comes again
    (`saas.lib.erasures`). Rows are few and never change.
    """

    digest = models.BinaryField(max_length=16)
    since = models.DateTimeField(null=True, help_text="Null: from the beginning.")
    until = models.DateTimeField()
    change_seq = models.BigIntegerField(
        help_text="The catalogue clock's value of the erasure: its lock orders the ids, too."
    )

    class Meta:
        indexes: ClassVar = [models.Index(fields=["digest"], name="tombstone_digest")]

    @override
    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M}"
