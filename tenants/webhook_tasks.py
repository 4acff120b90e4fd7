"""The job that tells a store of what happened."""

from __future__ import annotations

from tenants.jobs import WEBHOOK_JOB
from tenants.models.environment import Environment
from tenants.services.deliver_webhook import deliver_webhook as deliver
from tenants.services.deliver_webhook import fail_attempt
from tenants.services.run_job import ClaimedJob
from tenants.tasks import tenant_task


def _fail_attempt(environment: Environment, job: ClaimedJob, reason: str) -> None:
    fail_attempt(environment=environment, job=job, reason=reason)


@tenant_task(name=WEBHOOK_JOB, on_failure=_fail_attempt)
def deliver_webhook(environment: Environment, job: ClaimedJob) -> None:
    """Send one message to one webhook."""
    deliver(environment=environment, job=job)
