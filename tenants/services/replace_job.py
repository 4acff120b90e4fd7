"""Puts other work in the place of a job that holds a key, whether or not it has begun."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import connection

from tenants.context import on_platform
from tenants.services.wake_dispatcher import wake_dispatcher


def replace_job(*, exclusive_key: str, kind: str, by: str) -> dict[str, Any] | None:
    """Queue the job that holds a key anew, as another kind with the same payload.

    Whoever runs it now has lost it, and commits nothing.

    Parameters
    ----------
    exclusive_key
        That the job holds, before and after.
    kind
        Its kind; a job of any other is left alone.
    by
        The kind to be.

    Returns
    -------
    dict or None
        The payload; `None` where no such job holds the key.
    """
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tenants_job
               SET kind = %s, state = 'queued', attempts = 0, fencing_token = fencing_token + 1,
                   run_after = now(), lease_until = NULL, published_at = NULL, error = ''
             WHERE exclusive_key = %s AND kind = %s AND state IN ('queued', 'running')
            RETURNING payload::text
            """,
            [by, exclusive_key, kind],
        )
        row = cursor.fetchone()
        if row is None:
            return None
        wake_dispatcher()
    payload: dict[str, Any] = orjson.loads(row[0])
    return payload
