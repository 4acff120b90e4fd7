"""API keys: what is kept of a credential that was shown once."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from typing_extensions import override

from saas.lib.ids import new_ulid
from tenants.models.environment import Environment


def new_key_id() -> str:
    """Return the public name of a new API key."""
    return f"key_{new_ulid()}"


class ApiKey(models.Model):
    """A credential of one environment. Its text is not stored, only its SHA-256."""

    class Kind(models.TextChoices):
        """Secret keys belong on servers, publishable keys on pages."""

        SECRET = "secret"  # noqa: S105
        PUBLISHABLE = "publishable"

    id = models.CharField(primary_key=True, max_length=30, default=new_key_id)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="api_keys")
    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    last_four = models.CharField(max_length=4)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=32))
    allowed_origins = ArrayField(models.CharField(max_length=255), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    control_seq = models.BigIntegerField(default=0, editable=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["control_seq"], name="api_key_control_seq")]

    @override
    def __str__(self) -> str:
        return f"{self.prefix}…{self.last_four}"
