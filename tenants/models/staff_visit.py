"""Visits of platform staff to a store's pages, each with its reason and its end."""

from __future__ import annotations

from django.db import models
from typing_extensions import override

from saas.lib.ids import new_ulid
from tenants.models.person import Person
from tenants.models.tenant import Tenant


class StaffVisit(models.Model):
    """One visit: asked for in the console, opened once by its link, over after its time."""

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    staff = models.ForeignKey(Person, on_delete=models.CASCADE)
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(help_text="Of the link until it is opened, then of the visit.")
    ended_at = models.DateTimeField(null=True, help_text="When its end was written down.")

    @override
    def __str__(self) -> str:
        return f"{self.staff_id} at {self.tenant_id}"
