"""Changes what a store is called; its slug, which hostnames hold, stays."""

from __future__ import annotations

from django.db import transaction

from saas.lib.errors import InvalidParameter
from tenants.context import on_platform
from tenants.models.tenant import Tenant
from tenants.services.record_audit import record_audit

_MOST_CHARACTERS = 80


def rename_tenant(*, tenant: Tenant, name: str, actor: str) -> None:
    """Give a store another name.

    Parameters
    ----------
    tenant
        The store; it has the new name afterwards.
    name
        What people call it.
    actor
        Who asks for it, for the audit log.

    Raises
    ------
    InvalidParameter
        The name is empty or too long.
    """
    if not 0 < len(name.strip()) <= _MOST_CHARACTERS:
        raise InvalidParameter(
            f"The name '{name[:100]}' has {len(name.strip())} characters; "
            f"send 1 to {_MOST_CHARACTERS}.",
            pointer="/name",
        )
    with on_platform(), transaction.atomic():
        before = Tenant.objects.select_for_update().get(pk=tenant.pk).name
        tenant.name = name.strip()
        if tenant.name == before:
            return
        tenant.save(update_fields=["name"])
        record_audit(
            tenant_id=tenant.pk,
            actor=actor,
            action="tenant_renamed",
            object=f"tenant:{tenant.slug}",
            before={"name": before},
            after={"name": tenant.name},
        )
