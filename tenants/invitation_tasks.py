"""The job that brings an invitation to whom it is for."""

from __future__ import annotations

from tenants.jobs import INVITATION_JOB
from tenants.services import mail_invitation as mail
from tenants.services.run_job import ClaimedJob, finish_job
from tenants.tasks import platform_task


@platform_task(name=INVITATION_JOB)
def mail_invitation(job: ClaimedJob) -> None:
    """Send one invitation: twice rather than never, where the worker dies between."""
    mail.mail_invitation(invitation_id=str(job.payload["invitation_id"]))
    finish_job(job)
