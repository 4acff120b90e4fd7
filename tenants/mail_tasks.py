"""The jobs that send mails somebody waits for; the mail server may be away meanwhile."""

from __future__ import annotations

from tenants.jobs import INVITATION_JOB, MAIL_JOB
from tenants.services import deliver_mail as posted
from tenants.services import mail_invitation as invitation
from tenants.services.run_job import ClaimedJob, finish_job
from tenants.tasks import platform_task


@platform_task(name=INVITATION_JOB)
def mail_invitation(job: ClaimedJob) -> None:
    """Send one invitation: twice rather than never, where the worker dies between."""
    invitation.mail_invitation(invitation_id=str(job.payload["invitation_id"]))
    finish_job(job)


@platform_task(name=MAIL_JOB)
def deliver_mail(job: ClaimedJob) -> None:
    """Send a mail that was posted, and forget what was in it."""
    posted.deliver_mail(mail_id=job.id, sealed=str(job.payload["sealed"]))
    finish_job(job, forgets_payload=True)
