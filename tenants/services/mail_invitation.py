"""Writes to somebody who was invited to a store."""

from __future__ import annotations

from django.core.mail import EmailMessage

from saas.lib.config import config
from tenants.context import on_platform
from tenants.models.invitation import Invitation
from tenants.selectors.invitations import invitation_token

_TEXT = """Hello,

{inviter} has invited you to {store} on Shelfwise, as {role}.
Open this link within seven days to join; it works once, and for your address alone:

{url}

If you do not know the store, there is nothing to do.

Shelfwise, for {store}
"""


def mail_invitation(*, invitation_id: str) -> None:
    """Send the mail, unless the invitation has ended in between."""
    with on_platform():
        invitation = (
            Invitation.objects.filter(pk=invitation_id, accepted_at=None, withdrawn_at=None)
            .select_related("tenant")
            .first()
        )
    if invitation is None:
        return
    kind, _, name = invitation.invited_by.partition(":")
    text = _TEXT.format(
        inviter=name if kind == "person" else "Shelfwise",
        store=invitation.tenant.name,
        role=invitation.role,
        url=f"{config().portal_url}/invitations/{invitation_token(invitation)}/",
    )
    subject = f"Join {invitation.tenant.name} on Shelfwise"
    EmailMessage(subject, text, to=[invitation.email]).send()
