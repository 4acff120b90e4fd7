"""Lets trainings replace the live version again."""

from __future__ import annotations

from engine.services.set_live_version import locked_environment, set_live_version
from tenants.models.environment import Environment


def unpin_model(*, environment: Environment, actor: str, reason: str) -> None:
    """Take the live version's pin away, if it has one; call inside the environment.

    Parameters
    ----------
    environment
        Whose live version may be replaced by the next training that does better.
    actor, reason
        Who asks and why, for the audit log.
    """
    held = locked_environment(environment.pk)
    set_live_version(
        held=held,
        version=held.live_version,
        is_pinned=False,
        actor=actor,
        action="model_unpinned",
        reason=reason,
    )
