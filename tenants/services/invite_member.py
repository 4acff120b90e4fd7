"""Invites somebody to a store; the mail with the link is a job of its own."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from saas.lib.errors import Conflict, InvalidParameter, RateLimited
from tenants.context import on_platform
from tenants.jobs import INVITATION_JOB
from tenants.models.invitation import Invitation
from tenants.models.person import Member
from tenants.models.tenant import Tenant
from tenants.services.enqueue_job import enqueue_job
from tenants.services.record_audit import record_audit

HOLDS = timedelta(days=7)
# A store that writes to more strangers than that is not building a team.
MOST_A_DAY = 50


def invite_member(*, tenant: Tenant, email: str, role: str, actor: str) -> Invitation:
    """Invite an address to a role; nobody else can accept it.

    Parameters
    ----------
    tenant
        The store.
    email
        Whom to invite; with an account or without.
    role
        A `Member.Role`.
    actor
        Who invites, for the audit log.

    Raises
    ------
    InvalidParameter
        It is no address, or no role.
    Conflict
        The person is a member already, or invited already.
    RateLimited
        The store has invited too many people today.
    """
    email = check_email(email)
    check_role(role)
    now = timezone.now()
    with on_platform(), transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        if Member.objects.filter(tenant=tenant, person__email=email).exists():
            raise Conflict(f"{email} is a member already; change the role instead.")
        sent = Invitation.objects.filter(tenant=tenant)
        if sent.filter(email=email, accepted_at=None, withdrawn_at=None).exists():
            raise Conflict(f"{email} is invited already; send it again or withdraw it first.")
        if sent.filter(created_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
            raise RateLimited(f"{MOST_A_DAY} people were invited today; go on tomorrow.")
        invitation = Invitation.objects.create(
            tenant=tenant, email=email, role=role, invited_by=actor, expires_at=now
        )
        send_invitation(invitation)
        record_audit(
            tenant_id=tenant.pk,
            actor=actor,
            action="member_invited",
            object=f"person:{email}",
            after={"role": role},
        )
    return invitation


def send_invitation(invitation: Invitation) -> None:
    """Queue the mail with a new link; those of earlier mails end."""
    invitation.sends += 1
    invitation.expires_at = timezone.now() + HOLDS
    invitation.save(update_fields=["sends", "expires_at"])
    enqueue_job(
        kind=INVITATION_JOB,
        environment_id=None,
        payload={"invitation_id": invitation.pk},
        dedupe_key=f"invitation:{invitation.pk}:{invitation.sends}",
    )


def check_email(email: str) -> str:
    """Return an address as accounts keep it.

    Raises
    ------
    InvalidParameter
        It is none.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidParameter(
            f"'{email[:80]}' is no e-mail address; send one such as 'ann@acorn-books.example'.",
            pointer="/email",
        ) from None
    return email


def check_role(role: str) -> None:
    """Make sure that a role is one.

    Raises
    ------
    InvalidParameter
        It is none.
    """
    if role not in Member.Role.values:
        raise InvalidParameter(
            f"'{role[:40]}' is no role; send one of {', '.join(Member.Role.values)}.",
            pointer="/role",
        )
