"""Queues an import whose file lies in the artifact store: a row to watch and a job for a worker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from engine.models.imports import Import
from engine.services.queue_import import queue_import
from tenants.models.environment import Environment


def start_import(
    *,
    environment: Environment,
    import_id: str,
    kind: str,
    file_format: str,
    mode: str,
    is_dry_run: bool,
    time_zone: str | None,
    mapping: Mapping[str, str],
    uploaded_at: datetime | None = None,
) -> None:
    """Queue an import; call inside the environment.

    Parameters
    ----------
    environment
        Whose data the file holds.
    import_id
        Under which the file was uploaded.
    kind
        ``items``, ``events`` or ``users``.
    file_format
        ``auto``, ``plain`` or a shop system's.
    mode
        ``incremental`` adds and changes; ``full`` also deletes the items that the file lacks.
    is_dry_run
        Whether nothing is to be written.
    time_zone
        Of the times that come without an offset; the store's own where it is `None`.
    mapping
        The file's columns by our fields.
    uploaded_at
        When the file came, if not now: what changed since is newer than the file.
    """
    Import.objects.create(
        id=import_id,
        kind=kind,
        format=file_format,
        mode=mode,
        dry_run=is_dry_run,
        timezone=time_zone or environment.timezone,
        mapping=dict(mapping),
        created_at=uploaded_at or timezone.now(),
    )
    queue_import(environment_id=environment.pk, import_id=import_id)
