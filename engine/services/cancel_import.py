"""Stops an import between two of its chunks; what an incremental one has written stays."""

from __future__ import annotations

import structlog
from django.utils import timezone

from engine.models.imports import Import
from engine.selectors.imports import locked_import
from engine.services.queue_import import queue_import
from saas.lib.errors import Conflict
from tenants.models.environment import Environment

log = structlog.get_logger()

_OPEN = (Import.Status.QUEUED, Import.Status.RUNNING, Import.Status.NEEDS_CONFIRMATION)


def cancel_import(*, environment: Environment, import_id: str) -> None:
    """Cancel an import; call inside the environment. Cancelled twice, it is cancelled.

    Parameters
    ----------
    environment, import_id
        Whose import, and which.

    Raises
    ------
    NotFound
        There is no such import.
    Conflict
        It has ended, or is a full one that has begun to change the catalogue.
    """
    row = locked_import(import_id)
    if row.status == Import.Status.CANCELLED:
        return
    if row.status not in _OPEN:
        raise Conflict(f"The import '{import_id}' is {row.status}; nothing is left to cancel.")
    is_waiting = row.status == Import.Status.NEEDS_CONFIRMATION
    if row.stage != Import.Stage.READING and not is_waiting:
        raise Conflict(
            f"The import '{import_id}' is being applied; half a catalogue helps nobody. Import "
            "the file before it instead."
        )
    row.status = Import.Status.CANCELLED
    row.finished_at = timezone.now()
    row.save(update_fields=["status", "finished_at"])
    if is_waiting:
        # Nobody holds it; its staged rows are a worker's to clear away.
        queue_import(environment_id=environment.pk, import_id=import_id)
    log.info("import_cancelled", id=import_id)
