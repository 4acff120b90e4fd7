"""What anybody may know of a store by its address."""

from __future__ import annotations

from tenants.context import on_platform
from tenants.models.tenant import Tenant


def store_name(*, slug: str) -> str | None:
    """Return what people call the store, or `None` where there is none."""
    with on_platform():
        stores = Tenant.objects.exclude(status=Tenant.Status.DELETED)
        return stores.filter(slug=slug).values_list("name", flat=True).first()
