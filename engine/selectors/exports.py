"""The exports of an environment, as the API shows them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from engine.selectors.items import moment
from saas.lib.download_links import Download
from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.models.export import Export

_OPTIONAL = ("rows_total", "bytes", "error")


def download_of_export(export: Export) -> Download:
    """Return the file of an export."""
    return Download(
        environment_id=export.environment_id, id=export.pk, name=f"{export.kind}.{export.format}"
    )


def export_of(*, environment_id: int, export_id: str) -> Export:
    """Return an export.

    Raises
    ------
    NotFound
        There is no such export, or it is another environment's.
    """
    with on_platform():
        export = Export.objects.filter(environment_id=environment_id, pk=export_id).first()
    if export is None:
        raise NotFound(f"There is no export '{export_id}'; GET /v1/exports lists them.")
    return export


def exports(
    *, environment_id: int, kinds: Collection[str], limit: int, before: str | None = None
) -> list[Export]:
    """Return up to `limit` exports, newest first, those older than `before`."""
    with on_platform():
        rows = Export.objects.filter(environment_id=environment_id, kind__in=kinds)
        if before is not None:
            rows = rows.filter(pk__lt=before)
        return list(rows.order_by("-pk")[:limit])


def has_file(export: Export, *, now: datetime) -> bool:
    """Say whether the file of an export can be fetched."""
    is_kept = now < download_of_export(export).kept_until
    return export.status == Export.Status.COMPLETED and is_kept


def export_body(export: Export, *, now: datetime) -> dict[str, Any]:
    """Return an export as the contract shows it, without its link."""
    is_gone = export.status == Export.Status.COMPLETED and not has_file(export, now=now)
    body = {
        "id": export.pk,
        "kind": export.kind,
        "format": export.format,
        "status": "expired" if is_gone else export.status,
        "progress": _progress(export),
        "rows_written": export.rows_written,
        "created_at": moment(export.created_at),
        "finished_at": moment(export.finished_at),
    }
    optional = {name: getattr(export, name) for name in _OPTIONAL}
    return body | {name: value for name, value in optional.items() if value is not None}


def _progress(export: Export) -> float:
    if export.status == Export.Status.COMPLETED:
        return 1.0
    # Rows that came meanwhile are written too.
    total = max(export.rows_total or 0, export.rows_written + 1)
    return round(export.rows_written / total, 3)
