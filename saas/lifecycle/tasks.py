"""The jobs of a store's life, most of which run under the owner's login; each calls a service."""

from __future__ import annotations

from django.db import transaction

from saas.lifecycle import delete_tenant as deleting
from saas.lifecycle import make_store as making
from saas.lifecycle.request_store_export import write_store_export
from tenants.context import on_platform
from tenants.jobs import DELETION_JOB, STORE_EXPORT_JOB, STORE_JOB
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, finish_job
from tenants.tasks import platform_task, tenant_task


def _fail_store(job: ClaimedJob, reason: str) -> None:
    making.fail_store(sign_up_id=str(job.payload["sign_up_id"]), reason=reason)


@platform_task(name=STORE_JOB, on_failure=_fail_store)
def make_store(job: ClaimedJob) -> None:
    """Make a store that was asked for."""
    making.make_store(sign_up_id=str(job.payload["sign_up_id"]), job=job)


@tenant_task(name=STORE_EXPORT_JOB)
def export_store(environment: Environment, job: ClaimedJob) -> None:
    """Write everything that we have of a store."""
    write_store_export(environment=environment, job=job)


@platform_task(name=DELETION_JOB)
def delete_tenant(job: ClaimedJob) -> None:
    """Delete a store whose days of grace are over."""
    deleting.delete_tenant(**job.payload)
    with on_platform(), transaction.atomic():
        finish_job(job)
