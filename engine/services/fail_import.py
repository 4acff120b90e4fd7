"""Ends an import that will never succeed, with a reason its store understands."""

from __future__ import annotations

import structlog

from engine.models.imports import Import
from engine.selectors.imports import locked_import
from engine.services.end_import import end_import
from tenants.models.environment import Environment

log = structlog.get_logger()


def fail_import(*, environment: Environment, import_id: str, reason: str) -> None:
    """Mark the import as failed; call inside the environment, in the transaction that ends its job.

    Parameters
    ----------
    environment, import_id
        Whose import, and which.
    reason
        One sentence for the shop's owner.
    """
    row = locked_import(import_id)
    if row.status != Import.Status.CANCELLED:
        row.status = Import.Status.FAILED
        row.error = reason
    end_import(environment=environment, row=row)
    log.info("import_failed", id=import_id, reason=reason)
