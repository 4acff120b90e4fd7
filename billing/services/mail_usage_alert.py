"""Writes to those who pay for a store that much of its included calls is used."""

from __future__ import annotations

from django.core.mail import EmailMessage

from billing.models.alert import UsageAlert
from tenants.context import on_platform
from tenants.models.person import Member

_ROLES = (Member.Role.OWNER, Member.Role.FINANCE)


def mail_usage_alert(*, alert_id: int) -> int:
    """Send the mail, to each by itself; nobody sees the others' addresses.

    Parameters
    ----------
    alert_id
        The threshold that was passed.

    Returns
    -------
    int
        How many mails were sent.
    """
    with on_platform():
        alert = UsageAlert.objects.select_related("tenant").get(pk=alert_id)
        members = Member.objects.filter(
            tenant=alert.tenant, role__in=_ROLES, person__is_active=True
        )
        addresses = sorted(set(members.values_list("person__email", flat=True)))
    subject = f"{alert.tenant.name}: {alert.percent} % of the included recommendation calls used"
    text = (
        f"{alert.used:,} of the {alert.included:,} recommendation calls that your plan includes "
        f"in the period from {alert.period_start:%d %B %Y} are used.\n\n"
        "What happens beyond them is a matter of your plan and your settings: the portal shows "
        "usage, projection and costs, and lets you change the plan or set a spend cap.\n"
    )
    for address in addresses:
        EmailMessage(subject, text, to=[address]).send()
    return len(addresses)
