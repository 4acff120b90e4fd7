"""Writes to somebody who pays for a store that a payment is late, and until when calls go on."""

from __future__ import annotations

from django.core.mail import EmailMessage

from billing.core.standing import GRACE
from billing.models.alert import PaymentReminder
from billing.models.subscription import Subscription
from saas.lib.config import config
from tenants.context import on_platform
from tenants.models.person import Person


def mail_payment_reminder(*, reminder_id: int, person_id: int) -> bool:
    """Send the mail, unless it has been paid meanwhile.

    A worker that dies after sending sends again: the same Message-ID, by which mail systems know
    the second copy.

    Parameters
    ----------
    reminder_id, person_id
        Of what, and to whom.

    Returns
    -------
    bool
        Whether it was sent.
    """
    with on_platform():
        reminder = PaymentReminder.objects.select_related("tenant").get(pk=reminder_id)
        is_late = Subscription.objects.filter(
            pk=reminder.tenant_id,
            state=Subscription.State.PAST_DUE,
            past_due_since=reminder.past_due_since,
        ).exists()
        person = Person.objects.filter(pk=person_id, is_active=True).first()
    if not is_late or person is None:
        return False
    ends = f"{reminder.past_due_since + GRACE:%d %B %Y, %H:%M} UTC"
    host = config().portal_host
    place = f" at https://{host}/" if host else ""
    EmailMessage(
        f"{reminder.tenant.name}: a payment is late, calls go on until {ends}",
        f"We could not collect a payment that was due on {reminder.past_due_since:%d %B %Y}.\n\n"
        f"Recommendations go on until {ends}. After that calls are answered with 402, while what "
        "you have stays readable and exportable for 30 days.\n\n"
        f"Please look after the card under Usage and billing in the portal{place}; once the "
        "invoice is paid, everything goes on by itself.\n",
        to=[person.email],
        headers={"Message-ID": f"<payment-reminder-{reminder.pk}-{person.pk}@shelfwise>"},
    ).send()
    return True
