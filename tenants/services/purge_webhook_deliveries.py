"""Forgets messages to webhooks a month after they were made."""

from __future__ import annotations

from django.db import connection

from tenants.context import on_platform

# Far longer than a message is tried again.
KEPT_DAYS = 30
# Few enough that nothing waits for their locks.
MOST_AT_ONCE = 5_000


def purge_webhook_deliveries() -> int:
    """Delete some of the messages that are too old; asked again, it deletes the next ones.

    Returns
    -------
    int
        How many went.
    """
    with on_platform(), connection.cursor() as cursor:
        # An array, since a plan may run what stands behind IN once for each row, LIMIT and all.
        cursor.execute(
            """
            DELETE FROM tenants_webhookdelivery
             WHERE id = ANY(ARRAY(
                SELECT id FROM tenants_webhookdelivery
                 WHERE created_at < now() - make_interval(days => %s)
                 ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED))
            """,
            [KEPT_DAYS, MOST_AT_ONCE],
        )
        return int(cursor.rowcount)
