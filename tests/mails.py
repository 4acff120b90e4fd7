"""The mails that requests leave to a worker, as it sends them."""

from __future__ import annotations

from django.core import mail

from tenants.jobs import MAIL_JOB
from tenants.mail_tasks import deliver_mail
from tenants.models.job import Job


def sent_mails() -> list[mail.EmailMessage]:
    """Let the worker send what waits, and return all that has been sent."""
    for job in Job.objects.filter(kind=MAIL_JOB, state=Job.State.QUEUED).order_by("pk"):
        deliver_mail(job_id=job.pk)
    return mail.outbox
