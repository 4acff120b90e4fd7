"""Ends an import: what only a running one needs goes, what was wrong with it stays for a month.

The file of a dry run stays for a week, so that it can be imported without being sent again.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from engine.jobs import EXPIRE_IMPORT_JOB
from engine.models.imports import ERRORS_KEPT, Import, StagedRow
from engine.services.import_uploads import remove_upload
from tenants.models.environment import Environment
from tenants.services.announce import announce
from tenants.services.enqueue_job import enqueue_job

# A full import holds a catalogue as it was to be; after a week that is no news.
CONFIRMED_WITHIN = timedelta(days=7)
# The clocks of two workers differ by less.
_LATER = timedelta(hours=1)
_TOLD = {
    Import.Status.COMPLETED: "import.completed",
    Import.Status.FAILED: "import.failed",
}


def end_import(*, environment: Environment, row: Import) -> None:
    """Save an import that has its last status, and clear its staged rows and its file away.

    Call it inside the environment, in the transaction that ends the import.
    """
    row.finished_at = row.finished_at or timezone.now()
    row.save()
    StagedRow.objects.filter(import_id=row.pk).delete()
    if not row.dry_run:
        _remove_file(environment, row)
    if row.rejected:
        _expire(environment, row, after=ERRORS_KEPT + _LATER)
    event_type = _TOLD.get(Import.Status(row.status))
    if event_type is not None:
        announce(environment=environment, event_type=event_type, data=_summary(row))


def await_confirmation(*, environment: Environment, row: Import) -> None:
    """Let an import wait for its store's word, for a week."""
    row.save()
    _remove_file(environment, row)
    _expire(environment, row, after=CONFIRMED_WITHIN)


def _summary(row: Import) -> dict[str, Any]:
    names = ("kind", "mode", "dry_run", "rows_read", "accepted", "deleted", "rejected", "error")
    return {"id": row.pk, **{name: getattr(row, name) for name in names}}


def _remove_file(environment: Environment, row: Import) -> None:
    transaction.on_commit(partial(remove_upload, environment_id=environment.pk, import_id=row.pk))


def _expire(environment: Environment, row: Import, *, after: timedelta) -> None:
    enqueue_job(
        kind=EXPIRE_IMPORT_JOB,
        environment_id=environment.pk,
        payload={"import_id": row.pk},
        run_after=timezone.now() + after,
    )
