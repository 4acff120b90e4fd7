"""Who did what, to whom and why; rows are never changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from tenants.models.tenant import Tenant


class AuditEvent(models.Model):
    """One decision. Append-only: the login has no right to change it and a trigger refuses."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True)
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=64)
    object = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "-at"], name="audit_by_tenant")]

    @override
    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object}"
