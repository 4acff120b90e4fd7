"""First answers to requests that carried an Idempotency-Key."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from tenants.models.environment import Environment


class IdempotencyRecord(models.Model):
    """An answer kept for 24 hours, stored by the effect's own transaction or not at all."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    body_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    location = models.TextField(null=True)  # noqa: DJ001  # most answers have none
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["environment", "route", "key"], name="idempotency_key_once"
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.route} {self.key}"
