"""Queues what takes an import from wherever it stands to its end."""

from __future__ import annotations

from engine.jobs import IMPORT_JOB
from tenants.services.enqueue_job import enqueue_job

# It goes on where it stopped, and what stopped it is rarely the file: a release, a full machine,
# PostgreSQL restarted several times within one chunk.
MAX_ATTEMPTS = 10


def queue_import(*, environment_id: int, import_id: str) -> None:
    """Let a worker take an import up when the surrounding transaction has committed.

    Parameters
    ----------
    environment_id, import_id
        Whose import, and which.
    """
    enqueue_job(
        kind=IMPORT_JOB,
        environment_id=environment_id,
        payload={"import_id": import_id},
        max_attempts=MAX_ATTEMPTS,
    )
