"""Ends an import that nobody confirmed, and forgets the row errors of one that ended long ago."""

from __future__ import annotations

import structlog
from django.utils import timezone

from engine.models.imports import ERRORS_KEPT, Import, ImportRowError
from engine.selectors.imports import locked_import
from engine.services.end_import import CONFIRMED_WITHIN, end_import
from tenants.models.environment import Environment

log = structlog.get_logger()


def expire_import(*, environment: Environment, import_id: str) -> None:
    """Do what an import's age asks for, if anything; call inside the environment.

    Parameters
    ----------
    environment, import_id
        Whose import, and which.
    """
    row = locked_import(import_id)
    if row.status == Import.Status.NEEDS_CONFIRMATION:
        row.status = Import.Status.CANCELLED
        row.error = (
            f"Nobody confirmed within {CONFIRMED_WITHIN.days} days that {row.would_delete} items "
            "may go. Nothing was changed; send the file again."
        )
        end_import(environment=environment, row=row)
        log.info("import_expired", id=import_id)
    elif row.finished_at is not None and row.finished_at <= timezone.now() - ERRORS_KEPT:
        ImportRowError.objects.filter(import_id=import_id).delete()
