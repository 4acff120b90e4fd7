"""Makes a member of somebody who was invited."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from saas.lib.errors import Forbidden, NotFound
from tenants.context import on_platform
from tenants.models.invitation import Invitation
from tenants.models.person import Member, Person
from tenants.selectors.invitations import invitation_of
from tenants.services.record_audit import record_audit


def accept_invitation(*, token: str, person: Person) -> Invitation:
    """Let a person join the store of the invitation, once.

    Raises
    ------
    NotFound
        The link has ended: used, withdrawn, older than the newest mail or than seven days.
    Forbidden
        The invitation is for another address.
    """
    with on_platform(), transaction.atomic():
        invitation = invitation_of(token=token)
        if invitation is None:
            raise NotFound("This link has ended; ask for a new invitation.")
        if person.email != invitation.email:
            raise Forbidden(
                f"This invitation is for {invitation.email}, and you are logged in as "
                f"{person.email}; log out and open the link again."
            )
        accepted = Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, withdrawn_at=None
        ).update(accepted_at=timezone.now(), accepted_by=person)
        if not accepted:
            raise NotFound("This link has just been used or withdrawn.")
        Member.objects.get_or_create(
            person=person, tenant=invitation.tenant, defaults={"role": invitation.role}
        )
        record_audit(
            tenant_id=invitation.tenant_id,
            actor=f"person:{person.email}",
            action="member_joined",
            object=f"person:{person.email}",
            after={"role": invitation.role, "invited_by": invitation.invited_by},
        )
    return invitation
