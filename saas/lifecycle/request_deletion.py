"""Lets a store be deleted after a time in which everybody can think better of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.jobs import DELETION_JOB
from tenants.models.tenant import Tenant
from tenants.selectors.deletion import deletion_due, deletion_key
from tenants.services.enqueue_job import enqueue_job
from tenants.services.record_audit import record_audit

# Over a weekend and a public holiday somebody looks into the portal again.
GRACE = timedelta(days=7)
# Stripe or a host's usage log may be away for a while; each attempt goes on where it stopped.
_ATTEMPTS = 100


def request_deletion(*, slug: str, actor: str, reason: str) -> datetime:
    """Queue the deletion of a store; until then it is answered as ever.

    Parameters
    ----------
    slug
        The tenant.
    actor, reason
        For the audit log, now and at the deletion.

    Returns
    -------
    datetime
        When it goes; as it was, where somebody had asked before.

    Raises
    ------
    NotFound
        There is no such tenant.
    """
    with on_platform(), transaction.atomic():
        tenant = living_tenant(slug)
        due = deletion_due(tenant_id=tenant.pk)
        if due is not None:
            return due
        due = timezone.now() + GRACE
        enqueue_job(
            kind=DELETION_JOB,
            environment_id=None,
            payload={"slug": slug, "actor": actor, "reason": reason},
            run_after=due,
            exclusive_key=deletion_key(tenant.pk),
            max_attempts=_ATTEMPTS,
        )
        record_audit(
            tenant_id=tenant.pk,
            actor=actor,
            action="tenant_deletion_requested",
            object=f"tenant:{slug}",
            reason=reason,
            after={"deleted_at": due.isoformat(timespec="seconds")},
        )
    return due


def living_tenant(slug: str) -> Tenant:
    """Return a tenant that is not deleted, locked, so that one decides after the other.

    Raises
    ------
    NotFound
        There is no such tenant.
    """
    rows = Tenant.objects.select_for_update().exclude(status=Tenant.Status.DELETED)
    tenant = rows.filter(slug=slug).first()
    if tenant is None:
        raise NotFound(f"There is no tenant '{slug}'; see manage.py tenant_list.")
    return tenant
