"""Tells stores that a payment is late: when it is, in the middle of the grace, and at its end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.jobs import PAYMENT_REMINDER_JOB
from billing.models.alert import PaymentReminder
from billing.models.subscription import Subscription
from tenants.context import on_platform
from tenants.models.person import Member
from tenants.services.enqueue_job import enqueue_job

# Of the seven days for which calls go on.
DAYS = (0, 3, 6)
_ROLES = (Member.Role.OWNER, Member.Role.FINANCE)


def remind_of_payments() -> int:
    """Queue the mails that are due: each day of a late payment once.

    Returns
    -------
    int
        How many stores are written to.
    """
    now = timezone.now()
    with on_platform():
        late = list(
            Subscription.objects.filter(state=Subscription.State.PAST_DUE, past_due_since__lte=now)
            .order_by("pk")
            .values_list("pk", "past_due_since")
        )
    return sum(
        _remind(tenant_id, since, days_late=(now - since).days)
        for tenant_id, since in late
        if since
    )


def _remind(tenant_id: UUID, since: datetime, *, days_late: int) -> bool:
    with on_platform(), transaction.atomic():
        made = [
            PaymentReminder.objects.get_or_create(
                tenant_id=tenant_id, past_due_since=since, day=day
            )
            for day in DAYS
            if day <= days_late
        ]
        # Where several are due at once only the last says how it stands.
        reminder, is_new = made[-1]
        if not is_new:
            return False
        members = Member.objects.filter(
            tenant_id=tenant_id, role__in=_ROLES, person__is_active=True
        )
        # A job for each, so that a worker that dies between two mails repeats one at most.
        for person_id in set(members.values_list("person_id", flat=True)):
            enqueue_job(
                kind=PAYMENT_REMINDER_JOB,
                environment_id=None,
                payload={"reminder_id": reminder.pk, "person_id": person_id},
                dedupe_key=f"payment-reminder:{reminder.pk}:{person_id}",
            )
    return True
