"""What was done to a store: its audit log, newest first."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent

# Kinds of actors whose names are ours to know, and what a store is told.
_SHOWN = {"staff": "staff", "command": "shelfwise", "job": "shelfwise"}


def shown_actor(actor: str) -> str:
    """Return an actor as a store may see it: our people's addresses stay with us."""
    return _SHOWN.get(actor.partition(":")[0], actor)


def audit_events(
    *,
    tenant_id: UUID,
    limit: int,
    since: datetime | None = None,
    until: datetime | None = None,
    actor: str = "",
    action: str = "",
    object_name: str | None = None,
    before_id: int | None = None,
) -> list[AuditEvent]:
    """Return some events of a store.

    Parameters
    ----------
    tenant_id
        Whose.
    limit
        How many at most.
    since, until
        Not older, and older.
    actor, action
        A part of either, in capitals or not; an actor by the name that the store sees.
    object_name
        Those of one object, or, with a name that ends with ":", of one kind of object.
    before_id
        Those behind it in the list.
    """
    asked = Q(tenant_id=tenant_id)
    if since is not None:
        asked &= Q(at__gte=since)
    if until is not None:
        asked &= Q(at__lt=until)
    if actor:
        asked &= _by(actor)
    if action:
        asked &= Q(action__icontains=action)
    if object_name is not None and object_name.endswith(":"):
        asked &= Q(object__startswith=object_name)
    elif object_name is not None:
        asked &= Q(object=object_name)
    if before_id is not None:
        asked &= Q(pk__lt=before_id)
    with on_platform():
        return list(AuditEvent.objects.filter(asked).order_by("-pk")[:limit])


def _by(part: str) -> Q:
    """Search in the shown names alone, lest a search finds out what they stand for."""
    matching, hidden = Q(pk__in=[]), Q()
    for kind, name in _SHOWN.items():
        of_kind = Q(actor=kind) | Q(actor__startswith=f"{kind}:")
        hidden |= of_kind
        if part.lower() in name:
            matching |= of_kind
    return matching | (Q(actor__icontains=part) & ~hidden)
