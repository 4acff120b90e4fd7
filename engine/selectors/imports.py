"""The imports of an environment, as the API shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.utils import timezone

from engine.models.imports import ERRORS_KEPT, Import, ImportRowError
from engine.selectors.items import moment
from saas.lib.errors import NotFound
from tenants.context import in_environment
from tenants.models.environment import Environment

SAMPLE_ERRORS = 10
_ERROR_MEMBERS = ("line", "column", "value", "code", "detail")
# Of errors.csv; one page is one short transaction, however slowly the client reads.
_ERRORS_AT_ONCE = 5_000
_SHOWN = (
    "id",
    "kind",
    "format",
    "mode",
    "dry_run",
    "status",
    "rows_read",
    "accepted",
    "created",
    "updated",
    "unchanged",
    "duplicates",
    "deleted",
    "stale",
    "rejected",
    "errors_by_code",
    "warnings",
)
_TIMES = ("created_at", "started_at", "finished_at")
_OPTIONAL = ("rows_total", "would_delete", "error")


def locked_import(import_id: str) -> Import:
    """Return an import's row, held until the transaction ends.

    Raises
    ------
    NotFound
        There is no such import.
    """
    row = Import.objects.select_for_update().filter(pk=import_id).first()
    if row is None:
        raise _not_found(import_id)
    return row


def import_kind(import_id: str) -> str:
    """Return what an import brings.

    Raises
    ------
    NotFound
        There is no such import.
    """
    kind = Import.objects.filter(pk=import_id).values_list("kind", flat=True).first()
    if kind is None:
        raise _not_found(import_id)
    return kind


def import_body(import_id: str) -> dict[str, Any]:
    """Return an import as the contract shows it.

    Raises
    ------
    NotFound
        There is no such import.
    """
    row = Import.objects.filter(pk=import_id).first()
    if row is None:
        raise _not_found(import_id)
    samples = ImportRowError.objects.filter(import_id=row.pk).order_by("pk")
    return _body(row) | {"sample_errors": list(samples.values(*_ERROR_MEMBERS)[:SAMPLE_ERRORS])}


def import_bodies(
    *, kinds: Collection[str], limit: int, before: str | None = None
) -> list[dict[str, Any]]:
    """Return up to `limit` imports, newest first, those older than `before`."""
    rows = Import.objects.filter(kind__in=kinds).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [_body(row) for row in rows[:limit]]


def check_errors_kept(import_id: str) -> None:
    """Refuse to show the errors of an import that ended too long ago.

    Raises
    ------
    NotFound
        It did.
    """
    ended_before = timezone.now() - ERRORS_KEPT
    if Import.objects.filter(pk=import_id, rejected__gt=0, finished_at__lte=ended_before).exists():
        raise NotFound(
            f"The errors of import '{import_id}' were kept for {ERRORS_KEPT.days} days; send the "
            "file again, with dry_run if you only want to see them."
        )


def import_errors(*, environment: Environment, import_id: str) -> Iterator[tuple[Any, ...]]:
    """Yield line, column, value, code and detail of each bad row, in the order of the file.

    Enters the environment by itself, for a page of rows at a time.
    """
    after = 0
    while True:
        with in_environment(environment):
            errors = ImportRowError.objects.filter(import_id=import_id, pk__gt=after)
            rows = list(errors.order_by("pk").values_list("pk", *_ERROR_MEMBERS)[:_ERRORS_AT_ONCE])
        yield from (row[1:] for row in rows)
        if len(rows) < _ERRORS_AT_ONCE:
            return
        after = rows[-1][0]


def _body(row: Import) -> dict[str, Any]:
    body = {name: getattr(row, name) for name in _SHOWN}
    body |= {name: moment(getattr(row, name)) for name in _TIMES}
    optional = {name: getattr(row, name) for name in _OPTIONAL} | {"eta_seconds": _eta(row)}
    return body | {name: value for name, value in optional.items() if value is not None}


def share_done(row: Import) -> float:
    """Return how far the stage has come that the import is in, 0 to 1."""
    if row.stage == Import.Stage.APPLYING:
        return row.rows_applied / max(row.rows_total or 0, 1)
    return row.share_read


def _eta(row: Import) -> int | None:
    """Return the seconds that the stage will take at its pace so far."""
    if row.status != Import.Status.RUNNING or row.stage_started_at is None:
        return None
    share = share_done(row)
    if share <= 0:
        return None
    seconds = (timezone.now() - row.stage_started_at).total_seconds()
    return max(0, round(seconds * (1 - share) / share))


def _not_found(import_id: str) -> NotFound:
    return NotFound(f"There is no import '{import_id}'; GET /v1/imports lists them.")
