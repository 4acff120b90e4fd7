"""Forgets messages to webhooks a month after they were made."""

from __future__ import annotations

from tenants.services.delete_some import delete_some

# Far longer than a message is tried again.
KEPT_DAYS = 30
MOST_AT_ONCE = 5_000


def purge_webhook_deliveries() -> int:
    """Delete some of the messages that are too old; asked again, it deletes the next ones.

    Returns
    -------
    int
        How many went.
    """
    return delete_some(
        table="tenants_webhookdelivery",
        condition="created_at < now() - make_interval(days => %s)",
        parameters=[KEPT_DAYS],
        order="created_at",
        most=MOST_AT_ONCE,
    )
