"""The people of a store."""

from __future__ import annotations

from tenants.context import on_platform
from tenants.models.person import Member
from tenants.models.tenant import Tenant


def members(*, tenant: Tenant) -> list[Member]:
    """Return a store's members, those who came first first."""
    with on_platform():
        return list(
            Member.objects.filter(tenant=tenant)
            .select_related("person")
            .order_by("created_at", "id")
        )
