"""Invitations: how people become members of a store that exists."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from typing_extensions import override

from saas.lib.ids import new_ulid
from tenants.models.person import Member, Person
from tenants.models.tenant import Tenant


class Invitation(models.Model):
    """One address that was asked to join with a role; its link works once, for seven days."""

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Member.Role)
    invited_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    sends = models.PositiveSmallIntegerField(
        default=0, help_text="How often it was mailed; only the newest link works."
    )
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invitation_open_once",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.email} as {self.role} of {self.tenant_id}"
