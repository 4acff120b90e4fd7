"""The jobs of a store's life, which run under the owner's login; each calls one service."""

from __future__ import annotations

from django.db import transaction

from saas.lifecycle import delete_tenant as deleting
from saas.lifecycle import make_store as making
from tenants.context import on_platform
from tenants.jobs import DELETION_JOB, STORE_JOB
from tenants.services.run_job import ClaimedJob, finish_job
from tenants.tasks import platform_task


def _fail_store(job: ClaimedJob, reason: str) -> None:
    making.fail_store(sign_up_id=str(job.payload["sign_up_id"]), reason=reason)


@platform_task(name=STORE_JOB, on_failure=_fail_store)
def make_store(job: ClaimedJob) -> None:
    """Make a store that was asked for."""
    making.make_store(sign_up_id=str(job.payload["sign_up_id"]), job=job)


@platform_task(name=DELETION_JOB)
def delete_tenant(job: ClaimedJob) -> None:
    """Delete a store whose days of grace are over."""
    deleting.delete_tenant(**job.payload)
    with on_platform(), transaction.atomic():
        finish_job(job)
