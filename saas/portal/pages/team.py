"""The people of a store: who may do what, and who is invited."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from saas.lib.errors import ShelfwiseError
from saas.portal.roles import Right
from saas.portal.visit import Visit, store_page
from tenants.models.person import Member
from tenants.selectors.invitations import open_invitations
from tenants.selectors.team import members
from tenants.services.change_invitation import send_invitation_again, withdraw_invitation
from tenants.services.change_member import (
    change_role,
    ensure_owner_is_touched_by_owner,
    remove_member,
)
from tenants.services.invite_member import invite_member

# What saas.portal.roles decides, in a line each.
ROLES: Final = {
    Member.Role.OWNER: "everything, the plan and the store's end included",
    Member.Role.ADMIN: "everything but to change the plan or end the store",
    Member.Role.DEVELOPER: "sees models and data, changes both, manages API keys",
    Member.Role.ANALYST: "sees models and data",
    Member.Role.FINANCE: "usage, billing and the audit log",
}


@store_page(Right.MANAGE_TEAM)
def team(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show members and open invitations."""
    return visit.render("portal/team.html", _context(visit))


@require_POST
@store_page(Right.MANAGE_TEAM)
def invite(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Invite an address; what is wrong with it is said beside its field."""
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    try:
        ensure_owner_is_touched_by_owner(role, by_role=visit.role)
        made = invite_member(tenant=visit.tenant, email=email, role=role, actor=visit.actor)
    except ShelfwiseError as error:
        wrong = {"invite_error": error.detail, "email": email, "role": role}
        return visit.render("portal/team.html", _context(visit) | wrong, status=error.status)
    messages.success(request, f"{made.email} gets a mail with a link that holds for seven days.")
    return redirect("team")


@require_POST
@store_page(Right.MANAGE_TEAM)
def send_again(request: HttpRequest, visit: Visit, invitation_id: str) -> HttpResponse:
    """Mail a new link."""
    sent = send_invitation_again(
        tenant=visit.tenant, invitation_id=invitation_id, actor=visit.actor
    )
    messages.success(request, f"{sent.email} gets a new link; the one before has ended.")
    return redirect("team")


@require_POST
@store_page(Right.MANAGE_TEAM)
def withdraw(request: HttpRequest, visit: Visit, invitation_id: str) -> HttpResponse:
    """End an invitation."""
    ended = withdraw_invitation(tenant=visit.tenant, invitation_id=invitation_id, actor=visit.actor)
    messages.success(request, f"The invitation of {ended.email} has ended.")
    return redirect("team")


@require_POST
@store_page(Right.MANAGE_TEAM)
def change_member_role(request: HttpRequest, visit: Visit, member_id: int) -> HttpResponse:
    """Give a member another role."""
    changed = change_role(
        tenant=visit.tenant,
        member_id=member_id,
        role=request.POST.get("role", ""),
        actor=visit.actor,
        by_role=visit.role,
    )
    messages.success(request, f"{changed.person.email} is {changed.role} now.")
    return redirect("home" if changed.person == visit.person else "team")


@store_page(Right.MANAGE_TEAM)
def remove(request: HttpRequest, visit: Visit, member_id: int) -> HttpResponse:
    """Ask, then end a membership."""
    if request.method == "POST":
        removed = remove_member(
            tenant=visit.tenant, member_id=member_id, actor=visit.actor, by_role=visit.role
        )
        messages.success(request, f"{removed.person.email} is no member any more.")
        return redirect("team")
    member = next((each for each in members(tenant=visit.tenant) if each.pk == member_id), None)
    if member is None:
        raise Http404("The store has no such member.")
    return visit.render("portal/team/remove.html", {"member": member})


def _context(visit: Visit) -> dict[str, Any]:
    is_owner = visit.role == Member.Role.OWNER
    return {
        "members": members(tenant=visit.tenant),
        "invitations": open_invitations(tenant=visit.tenant),
        "roles": [
            (str(role), words) for role, words in ROLES.items() if is_owner or role != "owner"
        ],
        "is_owner": is_owner,
        "now": timezone.now(),
        "role": Member.Role.ANALYST,
    }
