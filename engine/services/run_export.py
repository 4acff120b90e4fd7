"""Writes an export's file, page by page, and lets it appear under its name when it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import structlog
from django.utils import timezone

from engine.core.artifact import open_artifact
from engine.files.table_writers import (
    EVENT_COLUMNS,
    ITEM_COLUMNS,
    RECOMMENDATION_COLUMNS,
    TableFormat,
    table_writer,
)
from engine.selectors.export_rows import ExportPage, count_rows, event_rows, item_rows
from engine.selectors.exports import download_of_export
from engine.selectors.recommendation_rows import recommendation_rows
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.request_export import NO_MODEL
from tenants.context import in_environment, on_platform
from tenants.errors import JobFailedError
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

log = structlog.get_logger()

_COLUMNS = {
    "items": ITEM_COLUMNS,
    "events": EVENT_COLUMNS,
    "recommendations": RECOMMENDATION_COLUMNS,
}


class _Source(NamedTuple):
    """The most rows there may be, and the page of them that begins at a place."""

    total: int
    page_after: Callable[[Any], ExportPage]


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
    JobFailedError
        Recommendations were asked for, and no model is live any more.
    LeaseLostError
        Another worker has taken the job over; what it writes is another file.
    """
    started = time.monotonic()
    export, source = _begin(environment, job)
    pages = _pages(source, export=export, environment=environment, job=job)
    path = download_of_export(export).path
    path.parent.mkdir(parents=True, exist_ok=True)
    # A worker that has lost its lease may still be writing.
    part = path.with_name(f"{path.name}.{job.fencing_token}.part")
    try:
        with part.open("wb") as file:
            _write(file, pages, kind=export.kind, file_format=export.format)
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


def _begin(environment: Environment, job: ClaimedJob) -> tuple[Export, _Source]:
    with in_environment(environment):
        ensure_held(job)
        with on_platform():
            export = Export.objects.get(pk=job.payload["export_id"])
        source = _source(environment, export)
        export.status = Export.Status.RUNNING
        export.rows_written = 0
        export.rows_total = source.total
        with on_platform():
            export.save()
    return export, source


def _source(environment: Environment, export: Export) -> _Source:
    if export.kind == "items":
        return _Source(count_rows(export.kind), lambda after: item_rows(after=after))
    if export.kind == "events":
        until = export.created_at
        return _Source(
            count_rows(export.kind), lambda after: event_rows(after=after, received_until=until)
        )
    if environment.live_version is None:
        raise JobFailedError(NO_MODEL)
    folder = artifacts_of(environment.pk) / environment.live_version
    lists = recommendation_rows(
        open_artifact(folder, verify=False), user_ids=export.user_ids, limit=export.list_length
    )
    return _Source(lists.total, lists.page)


def _write(file: BinaryIO, pages: Iterable[ExportPage], *, kind: str, file_format: str) -> None:
    writer = table_writer(file, format=cast(TableFormat, file_format), columns=_COLUMNS[kind])
    for page in pages:
        writer.write(page.rows)
    writer.finish()


def _pages(
    source: _Source, *, export: Export, environment: Environment, job: ClaimedJob
) -> Iterator[ExportPage]:
    after: Any = None
    while True:
        with in_environment(environment):
            ensure_held(job)
            page = source.page_after(after)
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
        export.user_ids = None
        export.finished_at = timezone.now()
        with on_platform():
            export.save()
        finish_job(job)
