"""Changes a member's role, or ends a membership; an owner always remains."""

from __future__ import annotations

from django.db import transaction

from saas.lib.errors import Conflict, Forbidden, NotFound
from tenants.context import on_platform
from tenants.models.person import Member
from tenants.models.tenant import Tenant
from tenants.services.invite_member import check_role
from tenants.services.record_audit import record_audit


def change_role(*, tenant: Tenant, member_id: int, role: str, actor: str, by_role: str) -> Member:
    """Give a member another role, from the next page that the person opens.

    Parameters
    ----------
    by_role
        The role of who does it: only owners make owners, or unmake them.

    Raises
    ------
    InvalidParameter
        There is no such role.
    NotFound
        The store has no such member.
    Forbidden
        It is for owners alone.
    Conflict
        No owner would remain.
    """
    check_role(role)
    with on_platform(), transaction.atomic():
        member = _locked(tenant, member_id)
        ensure_owner_is_touched_by_owner(member.role, role, by_role=by_role)
        if role != Member.Role.OWNER:
            _ensure_another_owner(member)
        before, member.role = member.role, role
        member.save(update_fields=["role"])
        record_audit(
            tenant_id=tenant.pk,
            actor=actor,
            action="member_role_changed",
            object=f"person:{member.person.email}",
            before={"role": before},
            after={"role": role},
        )
    return member


def remove_member(*, tenant: Tenant, member_id: int, actor: str, by_role: str) -> Member:
    """End a membership: the person's next page of the store is not found.

    Raises
    ------
    NotFound, Forbidden, Conflict
        As `change_role`'s.
    """
    with on_platform(), transaction.atomic():
        member = _locked(tenant, member_id)
        ensure_owner_is_touched_by_owner(member.role, by_role=by_role)
        _ensure_another_owner(member)
        Member.objects.filter(pk=member.pk).delete()
        record_audit(
            tenant_id=tenant.pk,
            actor=actor,
            action="member_removed",
            object=f"person:{member.person.email}",
            before={"role": member.role},
        )
    return member


def ensure_owner_is_touched_by_owner(*roles: str, by_role: str) -> None:
    """Let only owners make owners, or unmake them.

    Raises
    ------
    Forbidden
        One of the roles is the owner's, and who asks is none.
    """
    if Member.Role.OWNER in roles and by_role != Member.Role.OWNER:
        raise Forbidden("Only an owner can make somebody an owner, or change or remove one.")


def _locked(tenant: Tenant, member_id: int) -> Member:
    # One change of a store's people at a time: two owners could remove each other.
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    member = Member.objects.filter(pk=member_id, tenant=tenant).select_related("person").first()
    if member is None:
        raise NotFound("The store has no such member any more; load the page again.")
    return member


def _ensure_another_owner(member: Member) -> None:
    if member.role != Member.Role.OWNER:
        return
    owners = Member.objects.filter(tenant_id=member.tenant_id, role=Member.Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise Conflict(
            f"{member.person.email} is the last owner; make somebody else an owner first."
        )
