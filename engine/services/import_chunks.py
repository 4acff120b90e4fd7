"""The transaction of one chunk of an import: what guards it, and what it leaves on the row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from django.utils import timezone

from engine.models.imports import Import, ImportRowError
from engine.selectors.imports import locked_import
from engine.services.write_import_rows import RowsWritten
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.services.note_job_progress import note_job_progress
from tenants.services.run_job import ClaimedJob

COUNTERS = (
    "accepted",
    "created",
    "updated",
    "unchanged",
    "duplicates",
    "deleted",
    "stale",
    "rejected",
)


class ImportStoppedError(Exception):
    """The store cancelled the import, or it has ended otherwise."""


class TurnEndedError(Exception):
    """A task may not take longer; the import goes on in another one."""


@dataclass(frozen=True, slots=True)
class RunningImport:
    """An import in this worker's hands.

    Attributes
    ----------
    turn_ends
        When to leave the rest to another task, by `time.monotonic`.
    """

    environment: Environment
    job: ClaimedJob
    id: str
    turn_ends: float

    @contextmanager
    def chunk(self) -> Iterator[Import]:
        """Enter the environment for one chunk; the row that it yields is saved at the end.

        Raises
        ------
        LeaseLostError
            Another worker has taken the job over.
        ImportStoppedError
            Nothing more is to be done.
        TurnEndedError
            This chunk was the last of the task's.
        """
        with in_environment(self.environment):
            note_job_progress(self.job)
            row = locked_import(self.id)
            if row.status != Import.Status.RUNNING:
                raise ImportStoppedError
            yield row
            row.save()
        if monotonic() > self.turn_ends:
            raise TurnEndedError


def count_rows(row: Import, written: RowsWritten) -> None:
    """Add to an import's counters and keep the errors."""
    for name in COUNTERS:
        setattr(row, name, getattr(row, name) + written.counts[name])
    if not written.errors:
        return
    for error in written.errors:
        row.errors_by_code[error.code] = row.errors_by_code.get(error.code, 0) + 1
    ImportRowError.objects.bulk_create(
        ImportRowError(
            import_id=row.pk,
            line=error.line,
            column=error.column,
            value=error.value,
            code=error.code,
            detail=error.detail,
        )
        for error in sorted(written.errors, key=lambda error: error.line)
    )


def enter_stage(row: Import, stage: str) -> None:
    """Let the import go on elsewhere."""
    row.stage = stage
    row.stage_started_at = timezone.now()
