"""Sends an invitation again, or takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from saas.lib.errors import NotFound, RateLimited
from tenants.context import on_platform
from tenants.models.invitation import Invitation
from tenants.models.tenant import Tenant
from tenants.services.invite_member import send_invitation
from tenants.services.record_audit import record_audit

MOST_SENDS = 5


def send_invitation_again(*, tenant: Tenant, invitation_id: str, actor: str) -> Invitation:
    """Mail a new link that holds for seven days; the one before ends.

    Raises
    ------
    NotFound
        The store has no such open invitation.
    RateLimited
        It was sent often enough.
    """
    with _changing(tenant, invitation_id, actor, "invitation_sent_again") as invitation:
        if invitation.sends >= MOST_SENDS:
            raise RateLimited(
                f"{invitation.email} was written to {MOST_SENDS} times; withdraw the invitation."
            )
        send_invitation(invitation)
    return invitation


def withdraw_invitation(*, tenant: Tenant, invitation_id: str, actor: str) -> Invitation:
    """End an invitation: its link does not work any more.

    Raises
    ------
    NotFound
        The store has no such open invitation.
    """
    with _changing(tenant, invitation_id, actor, "invitation_withdrawn") as invitation:
        invitation.withdrawn_at = timezone.now()
        invitation.save(update_fields=["withdrawn_at"])
    return invitation


@contextmanager
def _changing(tenant: Tenant, invitation_id: str, actor: str, action: str) -> Iterator[Invitation]:
    with on_platform(), transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update()
            .filter(pk=invitation_id, tenant=tenant, accepted_at=None, withdrawn_at=None)
            .first()
        )
        if invitation is None:
            raise NotFound("This invitation has ended, or there was none; load the page again.")
        yield invitation
        record_audit(
            tenant_id=tenant.pk, actor=actor, action=action, object=f"person:{invitation.email}"
        )
