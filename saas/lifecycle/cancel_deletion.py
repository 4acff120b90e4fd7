"""Keeps a store after all that was going to be deleted."""

from __future__ import annotations

from django.db import transaction

from saas.lib.errors import Conflict
from saas.lifecycle.request_deletion import living_tenant
from tenants.context import on_platform
from tenants.models.job import Job
from tenants.selectors.deletion import deletion_key
from tenants.services.record_audit import record_audit


def cancel_deletion(*, slug: str, actor: str, reason: str) -> None:
    """Take a request for deletion back, as long as the deletion has not begun.

    Parameters
    ----------
    slug
        The tenant.
    actor, reason
        For the audit log.

    Raises
    ------
    Conflict
        Nobody has asked for a deletion, or it has begun.
    NotFound
        There is no such tenant.
    """
    with on_platform(), transaction.atomic():
        tenant = living_tenant(slug)
        waiting = Job.objects.filter(
            exclusive_key=deletion_key(tenant.pk), state=Job.State.QUEUED, attempts=0
        )
        if not waiting.delete()[0]:
            raise Conflict(f"'{slug}' is not going to be deleted, or its deletion has begun.")
        record_audit(
            tenant_id=tenant.pk,
            actor=actor,
            action="tenant_deletion_canceled",
            object=f"tenant:{slug}",
            reason=reason,
        )
