"""Makes a version the one that is served: the only writer of an environment's live version."""

from __future__ import annotations

import structlog
from django.utils import timezone

from engine.models.training import ModelVersion
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.services.announce import announce
from tenants.services.record_audit import record_audit

log = structlog.get_logger()


def locked_environment(environment_id: int) -> Environment:
    """Return the environment's row as it is now, held until the transaction ends."""
    with on_platform():
        return Environment.objects.select_for_update().get(pk=environment_id)


def set_live_version(
    *, held: Environment, version: str | None, is_pinned: bool, actor: str, action: str, reason: str
) -> None:
    """Point the environment at a version and write down who did it; call inside the environment.

    Serving processes see it within their next look, once the transaction commits.

    Parameters
    ----------
    held
        The environment from `locked_environment`.
    version
        A version with an artifact; none leaves the store without a model.
    is_pinned
        Whether later trainings may not replace it.
    actor, action, reason
        For the audit log.
    """
    if (held.live_version, held.is_pinned) == (version, is_pinned):
        return
    if held.live_version != version:
        ModelVersion.objects.filter(pk=version).update(promoted_at=timezone.now())
    with on_platform():
        Environment.objects.filter(pk=held.pk).update(live_version=version, is_pinned=is_pinned)
    record_audit(
        tenant_id=held.tenant_id,
        actor=actor,
        action=action,
        object=f"model:{version or held.live_version}",
        reason=reason,
        before={"live_version": held.live_version, "is_pinned": held.is_pinned},
        after={"live_version": version, "is_pinned": is_pinned},
    )
    if version is not None and held.live_version != version:
        data = {"version": version, "before": held.live_version, "actor": actor, "reason": reason}
        announce(environment=held, event_type="model.promoted", data=data)
    log.info(action, environment_id=held.pk, version=version, before=held.live_version)
