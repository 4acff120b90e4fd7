"""Forgets first answers after the 24 hours for which they are replayed."""

from __future__ import annotations

from django.db import connection

from tenants.context import on_platform

KEPT_HOURS = 24
# A delete of a busy day's rows at once would hold them locked for seconds.
MOST_AT_ONCE = 5_000


def expire_idempotency_records() -> int:
    """Delete some of the records that are too old; asked again, it deletes the next ones.

    Returns
    -------
    int
        How many went.
    """
    with on_platform(), connection.cursor() as cursor:
        # An array, since a plan may run what stands behind IN once for each row, LIMIT and all.
        cursor.execute(
            """
            DELETE FROM tenants_idempotencyrecord
             WHERE id = ANY(ARRAY(
                SELECT id FROM tenants_idempotencyrecord
                 WHERE created_at < now() - make_interval(hours => %s)
                 ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED))
            """,
            [KEPT_HOURS, MOST_AT_ONCE],
        )
        return int(cursor.rowcount)
