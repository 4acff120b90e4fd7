"""Invitations: which one a link stands for, and which ones a store has sent."""

from __future__ import annotations

from django.core import signing
from django.utils import timezone

from tenants.context import on_platform
from tenants.models.invitation import Invitation
from tenants.models.tenant import Tenant

_SALT = "shelfwise.invitation"


def invitation_token(invitation: Invitation) -> str:
    """Return what the link of the newest mail carries; older ones name another number."""
    return signing.dumps([invitation.pk, invitation.sends], salt=_SALT)


def invitation_of(*, token: str) -> Invitation | None:
    """Return the invitation that a link stands for, or `None` where it has ended or is none."""
    try:
        invitation_id, sends = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    with on_platform():
        return (
            Invitation.objects.filter(
                pk=invitation_id,
                sends=sends,
                accepted_at=None,
                withdrawn_at=None,
                expires_at__gt=timezone.now(),
                tenant__status=Tenant.Status.ACTIVE,
            )
            .select_related("tenant")
            .first()
        )


def open_invitations(*, tenant: Tenant) -> list[Invitation]:
    """Return whom a store has invited and not yet got, newest first; expired ones, too."""
    with on_platform():
        open_ones = Invitation.objects.filter(tenant=tenant, accepted_at=None, withdrawn_at=None)
        return list(open_ones.order_by("-id"))
