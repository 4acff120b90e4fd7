"""The jobs of a store's life, which run under the owner's login; each calls one service."""

from __future__ import annotations

from saas.lifecycle import make_store as making
from tenants.jobs import STORE_JOB
from tenants.services.run_job import ClaimedJob
from tenants.tasks import platform_task


def _fail_store(job: ClaimedJob, reason: str) -> None:
    making.fail_store(sign_up_id=str(job.payload["sign_up_id"]), reason=reason)


@platform_task(name=STORE_JOB, on_failure=_fail_store)
def make_store(job: ClaimedJob) -> None:
    """Make a store that was asked for."""
    making.make_store(sign_up_id=str(job.payload["sign_up_id"]), job=job)
