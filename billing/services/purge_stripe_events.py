"""Forgets what Stripe told us long ago: the bodies name customers, and nobody looks any more."""

from __future__ import annotations

from tenants.services.delete_some import delete_some

# Stripe repeats a webhook for 3 days and lists an event for 30; a quarter's questions take longer.
KEPT_DAYS = 90
MOST_AT_ONCE = 5_000


def purge_stripe_events() -> int:
    """Delete some of the events that were acted on too long ago; what was not stays to be seen.

    Returns
    -------
    int
        How many went.
    """
    return delete_some(
        table="billing_stripeevent",
        condition="processed_at < now() - make_interval(days => %s)",
        parameters=[KEPT_DAYS],
        order="received_at",
        most=MOST_AT_ONCE,
    )
