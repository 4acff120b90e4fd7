"""Goes back to a version that was live before."""

from __future__ import annotations

from engine.core.lifecycle import version_before
from engine.models.training import ModelVersion
from engine.selectors.models import version_records
from engine.services.promote_model import require_artifact
from engine.services.set_live_version import locked_environment, set_live_version
from saas.lib.errors import Conflict, NotFound
from tenants.models.environment import Environment


def rollback_model(
    *,
    environment: Environment,
    version: str | None,
    pin: bool,
    actor: str,
    reason: str = "by request",
) -> str:
    """Make an earlier version live again; call inside the environment.

    Parameters
    ----------
    environment
        Whose live version to take back.
    version
        Where to go; `None` for the version that was live before the present one.
    pin
        Whether it stays live until somebody decides otherwise.
    actor, reason
        Who asks and why, for the audit log.

    Returns
    -------
    str
        The version that is live now.

    Raises
    ------
    NotFound
        The environment has no such version, or it has never been live.
    Conflict
        There is nothing to go back to, or its artifact has been removed.
    """
    held = locked_environment(environment.pk)
    target = _previous(held) if version is None else version
    row = ModelVersion.objects.filter(pk=target).first()
    if row is None or row.promoted_at is None:
        raise NotFound(
            f"No model version '{target}' has ever been live; GET /v1/models lists them, and "
            f"POST /v1/models/{{version}}:promote makes one live."
        )
    require_artifact(row)
    set_live_version(
        held=held,
        version=target,
        is_pinned=pin,
        actor=actor,
        action="model_rolled_back",
        reason=reason,
    )
    return target


def _previous(held: Environment) -> str:
    if held.live_version is None:
        raise Conflict("No model is live yet, so there is nothing to roll back.")
    previous = version_before(version_records(), live_version=held.live_version)
    if previous is None:
        raise Conflict(
            f"Model version '{held.live_version}' is the oldest that can be served; name a "
            "version to go to, or train again."
        )
    return previous
