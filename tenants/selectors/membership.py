"""Which store a person who logged in belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.person import Member
from tenants.models.tenant import Tenant


@dataclass(frozen=True, slots=True)
class MembershipView:
    """A person's store, with the environments whose data the portal shows."""

    tenant: Tenant
    role: str
    live: Environment
    test: Environment


def membership_of(*, person_id: int) -> MembershipView | None:
    """Return the person's first membership of an active store, or `None`."""
    with on_platform():
        member = (
            Member.objects.filter(person_id=person_id, tenant__status=Tenant.Status.ACTIVE)
            .select_related("tenant")
            .order_by("created_at")
            .first()
        )
        if member is None:
            return None
        environments = {
            each.kind: each
            for each in Environment.objects.filter(tenant=member.tenant).select_related("tenant")
        }
    return MembershipView(
        tenant=member.tenant,
        role=member.role,
        live=environments[Environment.Kind.LIVE],
        test=environments[Environment.Kind.TEST],
    )
