"""Queues durable work inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from tenants.context import on_platform
from tenants.services.wake_dispatcher import wake_dispatcher


def enqueue_job(
    *,
    kind: str,
    environment_id: int | None,
    payload: dict[str, Any] | None = None,
    run_after: datetime | None = None,
    dedupe_key: str | None = None,
    exclusive_key: str | None = None,
    max_attempts: int = 3,
) -> int | None:
    """Queue a job; it becomes visible, and runs, when the surrounding transaction commits.

    Parameters
    ----------
    kind
        The Celery task's name.
    environment_id
        For whom it runs; `None` for the platform's own work.
    payload
        Keyword arguments of the task; JSON.
    run_after
        Not before this time (default: now).
    dedupe_key
        The same key is queued once, ever (periodic work).
    exclusive_key
        The same key is queued once at a time.
    max_attempts
        How often its worker may be lost before it is given up; committed steps forgive.

    Returns
    -------
    int or None
        The new job's id, or `None` where a key says that the work is there already.
    """
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO tenants_job (environment_id, kind, payload, state, attempts, max_attempts,
                fencing_token, run_after, dedupe_key, exclusive_key, error, created_at)
            VALUES (%s, %s, %s::jsonb, 'queued', 0, %s, 0, coalesce(%s, now()), %s, %s, '', now())
            ON CONFLICT DO NOTHING
            RETURNING id
            """,
            [
                environment_id,
                kind,
                orjson.dumps(payload or {}).decode(),
                max_attempts,
                run_after,
                dedupe_key,
                exclusive_key,
            ],
        )
        row = cursor.fetchone()
        if row is None:
            return None
        wake_dispatcher()
    return int(row[0])
