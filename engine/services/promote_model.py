"""Makes a version live because somebody says so, whatever the gate thought of it."""

from __future__ import annotations

from engine.models.training import ModelVersion
from engine.services.set_live_version import locked_environment, set_live_version
from saas.lib.errors import Conflict, NotFound
from tenants.models.environment import Environment


def promote_model(
    *, environment: Environment, version: str, pin: bool, actor: str, reason: str = "by request"
) -> None:
    """Make a version live; call inside the environment.

    Parameters
    ----------
    environment
        Whose version it is.
    version
        Any trained version, a rejected one included.
    pin
        Whether it stays live until somebody decides otherwise.
    actor, reason
        Who asks and why, for the audit log.

    Raises
    ------
    NotFound
        The environment has no such version.
    Conflict
        Its artifact has been removed.
    """
    # First: a training that ends now may remove the version's files.
    held = locked_environment(environment.pk)
    row = ModelVersion.objects.filter(pk=version).first()
    if row is None:
        raise NotFound(f"There is no model version '{version}'; GET /v1/models lists them.")
    require_artifact(row)
    set_live_version(
        held=held,
        version=version,
        is_pinned=pin,
        actor=actor,
        action="model_promoted",
        reason=reason,
    )


def require_artifact(row: ModelVersion) -> None:
    """Refuse a version that can no longer be served.

    Raises
    ------
    Conflict
        Its artifact has been removed.
    """
    if row.artifact_removed_at is not None:
        raise Conflict(
            f"The files of model version '{row.version}' were removed on "
            f"{row.artifact_removed_at:%Y-%m-%d}; promote a newer version or train again."
        )
