"""The second half of a full import: the verdict on the whole file, then its effect."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from engine.models.imports import Import
from engine.services.catalogue_clock import lock_clock
from engine.services.import_chunks import COUNTERS, RunningImport, count_rows, enter_stage
from engine.services.stage_rows import staged_rows
from engine.services.write_import_rows import FileRow, write_import_rows

CHUNK_ROWS = 5_000
# A feed that lost its columns or its middle must not cost a store its catalogue.
MAX_BAD_SHARE = 0.2
MAX_DELETED_SHARE = 0.2

# A bad row whose id cannot be read may be about any item that seems to be missing.
_UNREADABLE = """
    SELECT count(*) FROM engine_stagedrow WHERE import_id = %s AND name IS NULL AND row = ''
"""
_MISSING = """
    FROM engine_item AS item
    WHERE item.deleted_at IS NULL AND item.updated_at < %s AND NOT EXISTS (
        SELECT 1 FROM engine_stagedrow AS staged
        WHERE staged.import_id = %s AND staged.name = item.item_id
    )
"""
_COUNT_MISSING = f"SELECT count(*) {_MISSING}"  # made of constants
_SOME_MISSING = f"SELECT item.item_id {_MISSING} ORDER BY item.item_id LIMIT %s"


def reach_verdict(row: Import) -> None:
    """Decide what becomes of a file that was read whole; call inside its last chunk.

    Parameters
    ----------
    row
        The import; gets its status, or the stage that comes next. A second look changes nothing.
    """
    if row.would_delete is not None:
        return
    row.would_delete = _missing_count(row)
    _spare_items(row)
    row.rows_total = row.rows_read
    if row.rejected > MAX_BAD_SHARE * row.rows_read:
        row.status = Import.Status.FAILED
        row.error = (
            f"{row.rejected} of {row.rows_read} rows are bad; over 20 % of a full import's rows "
            "must be good for it to replace a catalogue. Nothing was changed; see errors.csv."
        )
    elif row.dry_run:
        row.deleted += row.would_delete
    elif row.would_delete > MAX_DELETED_SHARE * _living_count():
        row.status = Import.Status.NEEDS_CONFIRMATION
    if row.status != Import.Status.RUNNING or row.dry_run:
        return
    begin_to_apply(row)


def _spare_items(row: Import) -> None:
    """Delete nothing where bad rows may stand for what seems to be missing."""
    with connection.cursor() as cursor:
        cursor.execute(_UNREADABLE, [row.pk])
        (unreadable,) = cursor.fetchone()
    if not unreadable or not row.would_delete:
        return
    detail = (
        f"{unreadable} bad rows have no id that can be read, so none of the {row.would_delete} "
        "items that the file seems to lack is deleted; mend the rows in errors.csv and send the "
        "file again."
    )
    row.warnings.append({"code": "deletions_left_out", "detail": detail})
    row.would_delete = 0


def begin_to_apply(row: Import) -> None:
    """Count anew from here: what was counted so far was tried out."""
    for name in COUNTERS:
        if name != "rejected":
            setattr(row, name, 0)
    enter_stage(row, Import.Stage.APPLYING)


def apply_staged_rows(running: RunningImport) -> None:
    """Write what was staged, chunk by chunk."""
    while True:
        with running.chunk() as row:
            if row.stage != Import.Stage.APPLYING:
                return
            staged = staged_rows(import_id=row.pk, after=row.rows_applied - 1, most=CHUNK_ROWS)
            if not staged:
                enter_stage(row, Import.Stage.DELETING)
                continue
            written = write_import_rows(
                environment=running.environment,
                kind=row.kind,
                rows=[each for _, each in staged],
                received_at=timezone.now(),
                file_format=row.format,
            )
            count_rows(row, written)
            row.rows_applied = staged[-1][0] + 1


def delete_missing_items(running: RunningImport) -> None:
    """Delete the items that the file lacks, but for those that changed since the import began."""
    while True:
        with running.chunk() as row:
            if row.stage != Import.Stage.DELETING or not row.would_delete:
                return
            # Before looking: an item that is written meanwhile must not be deleted unseen.
            lock_clock(environment_id=running.environment.pk)
            with connection.cursor() as cursor:
                cursor.execute(_SOME_MISSING, [row.created_at, row.pk, CHUNK_ROWS])
                missing = [item_id for (item_id,) in cursor]
            if not missing:
                return
            written = write_import_rows(
                environment=running.environment,
                kind=row.kind,
                rows=[FileRow(0, {"id": item_id, "deleted": True}) for item_id in missing],
                received_at=timezone.now(),
            )
            row.deleted += written.counts["deleted"]


def _missing_count(row: Import) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_MISSING, [row.created_at, row.pk])
        return int(cursor.fetchone()[0])


def _living_count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM engine_item WHERE deleted_at IS NULL")
        return int(cursor.fetchone()[0])
