"""The job that writes to a store's people."""

from __future__ import annotations

from billing.services import mail_usage_alert as mail
from billing.services.warn_of_usage import USAGE_ALERT_JOB
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, finish_job
from tenants.tasks import tenant_task


@tenant_task(name=USAGE_ALERT_JOB)
def mail_usage_alert(environment: Environment, job: ClaimedJob) -> None:
    """Write that a threshold is passed: twice rather than never, where the worker dies between."""
    mail.mail_usage_alert(alert_id=int(job.payload["alert_id"]))
    finish_job(job)
