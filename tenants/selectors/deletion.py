"""Whether a store is going to be deleted, and when: the request is the job that waits to do it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tenants.context import on_platform
from tenants.models.job import Job


def deletion_key(tenant_id: UUID) -> str:
    """Return the key that the job holds, so that there is one for a store at most."""
    return f"delete:{tenant_id}"


def deletion_due(*, tenant_id: UUID) -> datetime | None:
    """Return when a store goes; `None` where nobody has asked for it."""
    with on_platform():
        waiting = Job.objects.filter(
            exclusive_key=deletion_key(tenant_id), state__in=[Job.State.QUEUED, Job.State.RUNNING]
        )
        return waiting.values_list("run_after", flat=True).first()
