"""Ends an import that will never succeed, with a reason its store understands."""

from __future__ import annotations

import structlog
from django.utils import timezone

from engine.models.imports import Import, StagedRow

log = structlog.get_logger()


def fail_import(*, import_id: str, reason: str) -> None:
    """Mark the import as failed; call inside the environment, in the transaction that ends its job.

    Parameters
    ----------
    import_id
        The import that the store watches.
    reason
        One sentence for the shop's owner.
    """
    Import.objects.filter(pk=import_id).exclude(status=Import.Status.CANCELLED).update(
        status=Import.Status.FAILED, error=reason, finished_at=timezone.now()
    )
    StagedRow.objects.filter(import_id=import_id).delete()
    log.info("import_failed", id=import_id, reason=reason)
