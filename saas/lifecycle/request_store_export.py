"""Has everything of a store written to one file, for who leaves or asks what we have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from saas.lib.download_links import KEPT, Download, link_to
from saas.lib.ids import new_ulid
from saas.lifecycle.export_tenant import export_tenant
from saas.lifecycle.request_deletion import living_tenant
from tenants.context import on_platform
from tenants.jobs import STORE_EXPORT_JOB
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.services.enqueue_job import enqueue_job
from tenants.services.record_audit import check_reason, record_audit
from tenants.services.run_job import ClaimedJob, finish_job


@dataclass(frozen=True, slots=True)
class StoreExport:
    """An export that was asked for; it has a link once it is written."""

    asked_at: datetime
    state: str
    link: str | None


def request_store_export(*, slug: str, actor: str, reason: str) -> None:
    """Queue the export; one that waits or runs already suffices.

    Parameters
    ----------
    slug
        The tenant.
    actor, reason
        For the audit log.

    Raises
    ------
    NotFound
        There is no such tenant.
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    with on_platform(), transaction.atomic():
        tenant = living_tenant(slug)
        live = Environment.objects.get(tenant=tenant, kind=Environment.Kind.LIVE)
        enqueue_job(
            kind=STORE_EXPORT_JOB,
            environment_id=live.pk,
            payload={"slug": slug, "file": new_ulid()},
            exclusive_key=f"store-export:{live.pk}",
        )
        record_audit(
            tenant_id=tenant.pk,
            actor=actor,
            action="tenant_export_requested",
            object=f"tenant:{slug}",
            reason=reason,
        )


def write_store_export(*, environment: Environment, job: ClaimedJob) -> None:
    """Write the file, in the job that was queued for it.

    Parameters
    ----------
    environment
        The store's live one, where the file lies.
    job
        Its payload names the store and the file.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over, and writes the same.
    """
    path = _download(environment.pk, job.payload).path
    path.parent.mkdir(parents=True, exist_ok=True)
    export_tenant(slug=str(job.payload["slug"]), destination=path)
    finish_job(job)


def store_exports(*, environment_id: int) -> list[StoreExport]:
    """Return the exports of a store whose files are still kept, newest first."""
    now = timezone.now()
    with on_platform():
        jobs = Job.objects.filter(
            environment_id=environment_id,
            kind=STORE_EXPORT_JOB,
            created_at__gt=now - KEPT + timedelta(minutes=1),
        )
        return [
            StoreExport(
                asked_at=job.created_at,
                state=job.state,
                link=link_to(_download(environment_id, job.payload), now=now).path
                if job.state == Job.State.DONE
                else None,
            )
            for job in jobs.order_by("-id")
        ]


def _download(environment_id: int, payload: dict[str, object]) -> Download:
    return Download(environment_id, str(payload["file"]), f"{payload['slug']}.zip")
