"""Ends an API key, and with it every token that was made from it."""

from __future__ import annotations

from django.utils import timezone

from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.selectors.api_keys import api_key
from tenants.services.record_audit import record_audit


def revoke_api_key(*, environment: Environment, actor: str, key_id: str, reason: str = "") -> None:
    """Revoke a key; every process refuses it within two seconds.

    Parameters
    ----------
    actor, reason
        Who asks for it and, where it is not the store itself, why; for the audit log.

    Raises
    ------
    NotFound
        The environment has no such key, or it is revoked already.
    """
    with on_platform():
        row = api_key(environment_id=environment.pk, key_id=key_id, for_update=True)
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
    record_audit(
        tenant_id=environment.tenant_id,
        actor=actor,
        action="api_key_revoked",
        object=f"api_key:{row.id}",
        reason=reason,
    )
