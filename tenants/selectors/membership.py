"""Which stores a person who logged in belongs to."""

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


def stores_of(*, person_id: int) -> list[Tenant]:
    """Return the stores that a person is a member of, by name."""
    with on_platform():
        mine = Tenant.objects.filter(members__person_id=person_id)
        return list(mine.exclude(status=Tenant.Status.DELETED).order_by("name", "id"))


def membership_of(*, person_id: int, slug: str) -> MembershipView | None:
    """Return a person's membership of the store with this slug, or `None`."""
    with on_platform():
        member = (
            Member.objects.filter(person_id=person_id, tenant__slug=slug)
            .exclude(tenant__status=Tenant.Status.DELETED)
            .select_related("tenant")
            .first()
        )
    return None if member is None else _view(member.tenant, role=member.role)


def visited(tenant: Tenant) -> MembershipView:
    """Return a store as platform staff meets it, who has no role there."""
    return _view(tenant, role="staff")


def _view(tenant: Tenant, *, role: str) -> MembershipView:
    with on_platform():
        environments = {
            each.kind: each
            for each in Environment.objects.filter(tenant=tenant).select_related("tenant")
        }
    return MembershipView(
        tenant=tenant,
        role=role,
        live=environments[Environment.Kind.LIVE],
        test=environments[Environment.Kind.TEST],
    )
