"""What was done to a store: its audit log, newest first."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent


def audit_events(
    *,
    tenant_id: UUID,
    since: datetime | None,
    object_name: str | None,
    before_id: int | None,
    limit: int,
) -> list[AuditEvent]:
    """Return some events of a store.

    Parameters
    ----------
    tenant_id
        Whose.
    since
        Not older.
    object_name
        Those of one object, or, with a name that ends with ":", of one kind of object.
    before_id
        Those behind it in the list.
    limit
        How many at most.
    """
    with on_platform():
        events = AuditEvent.objects.filter(tenant_id=tenant_id)
        if since is not None:
            events = events.filter(at__gte=since)
        if object_name is not None and object_name.endswith(":"):
            events = events.filter(object__startswith=object_name)
        elif object_name is not None:
            events = events.filter(object=object_name)
        if before_id is not None:
            events = events.filter(pk__lt=before_id)
        return list(events.order_by("-pk")[:limit])
