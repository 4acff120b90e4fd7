"""Queues an export: a row to watch and a job for a worker."""

from __future__ import annotations

from django.utils import timezone

from engine.jobs import EXPORT_JOB
from saas.lib.errors import Conflict
from saas.lib.ids import new_ulid
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.services.enqueue_job import enqueue_job

# A store that asks in a loop fills no disk faster than it fetches.
MAX_UNFINISHED = 10
_UNFINISHED = (Export.Status.QUEUED, Export.Status.RUNNING)


def request_export(*, environment: Environment, kind: str, file_format: str) -> Export:
    """Queue an export; call inside the environment.

    Parameters
    ----------
    environment
        Whose data.
    kind
        ``items`` or ``events``.
    file_format
        ``csv``, ``ndjson`` or ``parquet``.

    Returns
    -------
    Export
        Its row.

    Raises
    ------
    Conflict
        Too many are queued or running.
    """
    with on_platform():
        unfinished = Export.objects.filter(environment=environment, status__in=_UNFINISHED).count()
        if unfinished >= MAX_UNFINISHED:
            raise Conflict(
                f"{unfinished} exports are queued or running; wait until one of them has ended."
            )
        export = Export.objects.create(
            id=new_ulid(),
            environment=environment,
            kind=kind,
            format=file_format,
            created_at=timezone.now(),
        )
    enqueue_job(kind=EXPORT_JOB, environment_id=environment.pk, payload={"export_id": export.pk})
    return export
