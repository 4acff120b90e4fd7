"""Runs an import in chunks, each with its effect, its errors and its progress in one transaction.

An incremental import writes each chunk as it is read. A full one, and any dry run, tries each
chunk out, takes it back and stages its rows; a full one then reaches its verdict and applies them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import cast

import structlog
from django.utils import timezone

from engine.files.cells import Kind
from engine.files.detect import Format
from engine.files.open_rows import Batch, open_rows
from engine.files.read_ahead import read_ahead
from engine.files.records import RowError
from engine.models.imports import Import
from engine.rows.event_batch import EventBatch, read_event_batch
from engine.rows.event_row import Arrival
from engine.rows.repeats import Repeats
from engine.selectors.imports import locked_import
from engine.services.apply_import import (
    apply_staged_rows,
    delete_missing_items,
    reach_verdict,
)
from engine.services.end_import import await_confirmation, end_import
from engine.services.import_chunks import (
    ImportStoppedError,
    RunningImport,
    TurnEndedError,
    count_rows,
)
from engine.services.import_uploads import upload_path
from engine.services.stage_rows import named_rows, rows_met, stage_names, stage_rows
from engine.services.write_import_rows import FileRow, taken_back, write_import_rows
from saas.lib.errors import FieldError, ShelfwiseError
from tenants.context import in_environment
from tenants.errors import JobFailedError
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job, requeue_job

log = structlog.get_logger()

# Well before the limit of a task (saas/celery.py), and a moment for others to come in between.
TURN_SECONDS = 30 * 60


def run_import(*, environment: Environment, job: ClaimedJob) -> None:
    """Run an import's job, from where the last worker's commit left it.

    One that takes long gives its job back after half an hour and is gone on with.

    Parameters
    ----------
    environment
        Whose data the file holds.
    job
        Its payload names the import.

    Raises
    ------
    JobFailedError
        The file cannot be read; the message is for the shop's developer.
    LeaseLostError
        Another worker has taken the job over; it goes on after the last committed chunk.
    """
    started = time.monotonic()
    import_id = str(job.payload["import_id"])
    running = RunningImport(environment, job, import_id, turn_ends=started + TURN_SECONDS)
    row = _begin(running)
    log.info("import_started", id=row.pk, attempt=job.attempts, rows_read=row.rows_read)
    if row.status == Import.Status.RUNNING:
        try:
            _go_on(running, row)
        except TurnEndedError:
            requeue_job(job)
            log.info("import_turn_ended", id=row.pk)
            return
    row = _end(running)
    log.info(
        "import_ended",
        id=row.pk,
        status=row.status,
        rows=row.rows_read,
        rejected=row.rejected,
        seconds=round(time.monotonic() - started, 3),
    )


def _begin(running: RunningImport) -> Import:
    with in_environment(running.environment):
        ensure_held(running.job)
        row = locked_import(running.id)
        if row.status == Import.Status.QUEUED:
            row.status = Import.Status.RUNNING
            if row.started_at is None:
                row.started_at = row.stage_started_at = timezone.now()
            row.save()
    return row


def _go_on(running: RunningImport, row: Import) -> None:
    try:
        if row.stage == Import.Stage.READING:
            _read(running, row)
        apply_staged_rows(running)
        delete_missing_items(running)
    except ImportStoppedError:
        pass
    except ShelfwiseError as error:
        raise JobFailedError(error.detail) from error


def _read(running: RunningImport, row: Import) -> None:
    path = upload_path(environment_id=running.environment.pk, import_id=row.pk)
    if not path.exists():
        raise JobFailedError("The file is not kept any more; send it again.")
    is_about_events = row.kind == "events"
    with open_rows(
        path,
        kind=cast(Kind, row.kind),
        format=cast(Format, row.format),
        mapping=row.mapping,
        timezone=row.timezone,
        now=row.created_at,
        # What was taken in already tells which of the equal events after it is which.
        first_batch=0 if is_about_events else row.batches_read,
    ) as reader:
        parts = _events(reader, row) if is_about_events else ((batch, None) for batch in reader)
        with closing(read_ahead(parts)) as coming:
            for batch, events in coming:
                with running.chunk() as row:
                    row.format = reader.format
                    row.warnings = [
                        {"code": "ignored_column", "column": column, "detail": detail}
                        for column, detail in reader.ignored_columns.items()
                    ]
                    _take(running, row, batch, events)
                    row.share_read = batch.bytes_read / max(1, reader.total_bytes or 0)
    with running.chunk() as row:
        if row.mode == "full":
            reach_verdict(row)


def _events(batches: Iterable[Batch], row: Import) -> Iterator[tuple[Batch, EventBatch]]:
    """Read the rows as events, those that were not taken in yet; needs no database."""
    repeats = Repeats()
    arrival = Arrival(received_at=row.created_at)
    for batch in batches:
        if batch.ordinal < row.batches_read:
            repeats.skip(batch.rows)
            continue
        events = read_event_batch(batch.rows, arrival=arrival)
        repeats.name(events)
        yield batch, events


def _take(running: RunningImport, row: Import, batch: Batch, events: EventBatch | None) -> None:
    """Take one batch of the file in, or try it out."""
    rows = [FileRow(line, values) for line, values in zip(batch.lines, batch.rows, strict=True)]

    def explain(error: FieldError, index: int) -> RowError:
        return batch.explain(error, index=index)

    writing = partial(
        write_import_rows,
        environment=running.environment,
        kind=row.kind,
        received_at=row.created_at,
        file_format=row.format,
    )
    if row.dry_run or row.mode == "full":
        named = named_rows(rows, events=events)
        met = rows_met(import_id=row.pk, before=row.rows_read, named=named)
        with taken_back():
            for earlier in met:
                writing(rows=earlier)
            written = writing(rows=rows, events=events, explain=explain)
        stage_rows(
            import_id=row.pk, first=row.rows_read, rows=rows, named=named, without=written.bad
        )
        if row.mode == "full":
            ids = ((number, rows[number].values.get("id")) for number in written.bad)
            about = [
                *((number, id_) for number, id_ in ids if id_ is not None),
                *enumerate(batch.ids_of_errors, start=len(rows)),
            ]
            stage_names(import_id=row.pk, first=row.rows_read, names=about)
    else:
        written = writing(rows=rows, events=events, explain=explain)
    written.counts["rejected"] += len(batch.errors)
    written.errors += batch.errors
    count_rows(row, written)
    row.rows_read += len(batch.rows) + len(batch.errors)
    row.batches_read = batch.ordinal + 1


def _end(running: RunningImport) -> Import:
    with in_environment(running.environment):
        # The job before the import, as in every chunk.
        ensure_held(running.job)
        row = locked_import(running.id)
        if row.status == Import.Status.RUNNING:
            row.status = Import.Status.COMPLETED
            row.rows_total = row.rows_read
        if row.status == Import.Status.NEEDS_CONFIRMATION:
            await_confirmation(environment=running.environment, row=row)
        else:
            end_import(environment=running.environment, row=row)
        finish_job(running.job)
    return row
