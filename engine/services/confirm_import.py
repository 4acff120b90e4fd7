"""Lets a full import go on that would delete much of the catalogue."""

from __future__ import annotations

import structlog

from engine.models.imports import Import
from engine.selectors.imports import locked_import
from engine.services.apply_import import begin_to_apply
from engine.services.queue_import import queue_import
from saas.lib.errors import Conflict
from tenants.models.environment import Environment

log = structlog.get_logger()


def confirm_import(*, environment: Environment, import_id: str) -> None:
    """Queue the rest of an import that waits; call inside the environment.

    Parameters
    ----------
    environment, import_id
        Whose import, and which.

    Raises
    ------
    NotFound
        There is no such import.
    Conflict
        It does not wait for this.
    """
    row = locked_import(import_id)
    if row.status != Import.Status.NEEDS_CONFIRMATION:
        raise Conflict(
            f"The import '{import_id}' is {row.status}; only one that is needs_confirmation can "
            "be confirmed."
        )
    row.status = Import.Status.QUEUED
    begin_to_apply(row)
    row.save()
    queue_import(environment_id=environment.pk, import_id=import_id)
    log.info("import_confirmed", id=import_id, would_delete=row.would_delete)
