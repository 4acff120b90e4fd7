"""The jobs that a worker runs for billing; each calls one service."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.jobs import (
    APPLY_EVENT_JOB,
    CREDIT_JOB,
    MIRROR_PLANS_JOB,
    PAYMENT_REMINDER_JOB,
    RECONCILE_JOB,
    RESYNC_JOB,
    SEND_USAGE_JOB,
    USAGE_ALERT_JOB,
)
from billing.services import apply_stripe_event as event
from billing.services import mail_payment_reminder as reminder
from billing.services import mail_usage_alert as mail
from billing.services import mirror_plans as mirror
from billing.services import reconcile_usage as reconciliation
from billing.services import resync_stripe as resync
from billing.services import send_credit as credit
from billing.services import send_usage_reports as outbox
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, finish_job
from tenants.tasks import platform_task, tenant_task


@platform_task(name=APPLY_EVENT_JOB)
def apply_stripe_event(job: ClaimedJob) -> None:
    """Act on what Stripe has told us."""
    with on_platform(), transaction.atomic():
        event.apply_stripe_event(event_id=str(job.payload["event_id"]))
        finish_job(job)


@platform_task(name=CREDIT_JOB)
def send_credit(job: ClaimedJob) -> None:
    """Tell Stripe of a credit."""
    credit.send_credit(credit_id=UUID(job.payload["credit_id"]))
    finish_job(job)


@platform_task(name=PAYMENT_REMINDER_JOB)
def mail_payment_reminder(job: ClaimedJob) -> None:
    """Write to one person that a payment is late."""
    reminder.mail_payment_reminder(
        reminder_id=int(job.payload["reminder_id"]), person_id=int(job.payload["person_id"])
    )
    finish_job(job)


@platform_task(name=MIRROR_PLANS_JOB)
def mirror_plans(job: ClaimedJob) -> None:
    """Let Stripe know what we sell."""
    mirror.mirror_plans()
    finish_job(job)


@platform_task(name=SEND_USAGE_JOB)
def send_usage_reports(job: ClaimedJob) -> None:
    """Tell Stripe what was used."""
    outbox.send_usage_reports(now=timezone.now)
    finish_job(job)


@platform_task(name=RECONCILE_JOB)
def reconcile_usage(job: ClaimedJob) -> None:
    """Find out whether Stripe has counted what we have."""
    reconciliation.reconcile_usage(now=timezone.now())
    finish_job(job)


@platform_task(name=RESYNC_JOB)
def resync_stripe(job: ClaimedJob) -> None:
    """Look for what webhooks have not brought."""
    resync.resync_stripe()
    finish_job(job)


@tenant_task(name=USAGE_ALERT_JOB)
def mail_usage_alert(environment: Environment, job: ClaimedJob) -> None:
    """Write that a threshold is passed: twice rather than never, where the worker dies between."""
    mail.mail_usage_alert(alert_id=int(job.payload["alert_id"]))
    finish_job(job)
