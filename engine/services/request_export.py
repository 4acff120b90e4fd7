"""Queues an export: a row to watch and a job for a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from engine.jobs import EXPORT_JOB
from engine.selectors.models import live_version_of
from saas.lib.errors import Conflict
from saas.lib.ids import new_ulid
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.services.enqueue_job import enqueue_job

# A store that asks in a loop fills no disk faster than it fetches.
MAX_UNFINISHED = 10
NO_MODEL = "No model is live, so there is nothing to recommend by; train one first."
_UNFINISHED = (Export.Status.QUEUED, Export.Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Lists:
    """What an export of recommendations is to hold.

    Attributes
    ----------
    user_ids
        Who gets a list; None for every user with a profile.
    length
        Most items of each.
    """

    user_ids: Sequence[str] | None
    length: int


def request_export(
    *, environment: Environment, kind: str, file_format: str, lists: Lists | None = None
) -> Export:
    """Queue an export; call inside the environment.

    Parameters
    ----------
    environment
        Whose data.
    kind
        ``items``, ``events`` or ``recommendations``.
    file_format
        ``csv``, ``ndjson`` or ``parquet``.
    lists
        Of recommendations.

    Returns
    -------
    Export
        Its row.

    Raises
    ------
    Conflict
        Too many are queued or running, or recommendations are asked for and no model is live.
    """
    if lists is not None and live_version_of(environment.pk) is None:
        raise Conflict(NO_MODEL)
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
            user_ids=lists.user_ids if lists else None,
            list_length=lists.length if lists else 0,
            created_at=timezone.now(),
        )
    enqueue_job(kind=EXPORT_JOB, environment_id=environment.pk, payload={"export_id": export.pk})
    return export
