"""Forgets first answers after the 24 hours for which they are replayed."""

from __future__ import annotations

from tenants.services.delete_some import delete_some

KEPT_HOURS = 24
MOST_AT_ONCE = 5_000


def expire_idempotency_records() -> int:
    """Delete some of the records that are too old; asked again, it deletes the next ones.

    Returns
    -------
    int
        How many went.
    """
    return delete_some(
        table="tenants_idempotencyrecord",
        condition="created_at < now() - make_interval(hours => %s)",
        parameters=[KEPT_HOURS],
        order="created_at",
        most=MOST_AT_ONCE,
    )
