"""Opens a store: its environments, and the plan that it begins with, or nothing at all."""

from __future__ import annotations

from django.db import transaction

from billing.models.plan import FREE_PLAN
from billing.services.assign_plan import assign_plan
from tenants.context import on_platform
from tenants.services.create_tenant import CreatedTenant, create_tenant


def open_tenant(*, name: str, slug: str, actor: str, plan_code: str = FREE_PLAN) -> CreatedTenant:
    """Make a tenant that has a plan. Runs as the owner.

    Parameters
    ----------
    name, slug
        What people and hostnames call the store.
    actor
        Who opens it, for the audit log.
    plan_code
        What it begins with; what costs something is bought later, in Checkout.

    Raises
    ------
    InvalidParameter, Conflict, SchemaScriptMissingError
        As `create_tenant`'s.
    NotFound
        There is no such plan.
    """
    with on_platform(), transaction.atomic():
        created = create_tenant(name=name, slug=slug)
        assign_plan(
            tenant_id=created.tenant.pk,
            plan_code=plan_code,
            actor=actor,
            reason="The store was opened.",
        )
    return created
