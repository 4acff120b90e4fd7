"""Writes an export's file, page by page, and lets it appear under its name when it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import structlog
from django.utils import timezone

from engine.files.table_writers import (
    EVENT_COLUMNS,
    ITEM_COLUMNS,
    TableFormat,
    table_writer,
)
from engine.selectors.export_rows import ExportPage, count_rows, event_rows, item_rows
from engine.selectors.exports import download_of_export
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

log = structlog.get_logger()

_COLUMNS = {"items": ITEM_COLUMNS, "events": EVENT_COLUMNS}


def run_export(*, environment: Environment, job: ClaimedJob) -> None:
    """Run an export's job; after a crash, from its beginning.

    Parameters
    ----------
    environment
        Whose data.
    job
        Its payload names the export.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over; what it writes is another file.
    """
    started = time.monotonic()
    export = _begin(environment, job)
    path = download_of_export(export).path
    path.parent.mkdir(parents=True, exist_ok=True)
    # A worker that has lost its lease may still be writing.
    part = path.with_name(f"{path.name}.{job.fencing_token}.part")
    try:
        with part.open("wb") as file:
            _write(file, export=export, environment=environment, job=job)
            file.flush()
            os.fsync(file.fileno())
        _end(part, path, environment=environment, job=job, export=export)
    finally:
        part.unlink(missing_ok=True)
    log.info(
        "export_written",
        id=export.pk,
        kind=export.kind,
        format=export.format,
        rows=export.rows_written,
        seconds=round(time.monotonic() - started, 3),
    )


def _begin(environment: Environment, job: ClaimedJob) -> Export:
    with in_environment(environment):
        ensure_held(job)
        with on_platform():
            export = Export.objects.get(pk=job.payload["export_id"])
        total = count_rows(export.kind)
        export.status = Export.Status.RUNNING
        export.rows_written = 0
        export.rows_total = total
        with on_platform():
            export.save()
    return export


def _write(file: BinaryIO, *, export: Export, environment: Environment, job: ClaimedJob) -> None:
    writer = table_writer(
        file, format=cast(TableFormat, export.format), columns=_COLUMNS[export.kind]
    )
    for page in _pages(export, environment=environment, job=job):
        writer.write(page.rows)
    writer.finish()


def _pages(export: Export, *, environment: Environment, job: ClaimedJob) -> Iterator[ExportPage]:
    after: Any = None
    while True:
        with in_environment(environment):
            ensure_held(job)
            if export.kind == "items":
                page = item_rows(after=after)
            else:
                page = event_rows(after=after, received_until=export.created_at)
            export.rows_written += len(page.rows)
            with on_platform():
                export.save(update_fields=["rows_written"])
        yield page
        if page.next is None:
            return
        after = page.next


def _end(
    part: Path, path: Path, *, environment: Environment, job: ClaimedJob, export: Export
) -> None:
    with in_environment(environment):
        ensure_held(job)
        export.bytes = part.stat().st_size
        part.replace(path)
        export.status = Export.Status.COMPLETED
        export.rows_total = export.rows_written
        export.finished_at = timezone.now()
        with on_platform():
            export.save()
        finish_job(job)
