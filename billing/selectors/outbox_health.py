"""Says how the outbox towards Stripe is doing, for those who are paged; run on the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from tenants.context import on_platform

_HEALTH = """
    SELECT extract(epoch FROM %(now)s - min(created_at)
                   FILTER (WHERE state = 'pending'))::float,
           count(*) FILTER (WHERE state = 'rejected')
      FROM billing_usagereport
     WHERE state IN ('pending', 'rejected') AND hour >= %(now)s - interval '36 days'
"""
_DRIFT = """
    SELECT tenant_id::text, sum(drift_units)::bigint, max(drift_rounds)
      FROM (SELECT DISTINCT ON (tenant_id, hour) tenant_id, drift_units, drift_rounds
              FROM billing_usagereport
             WHERE hour >= %(now)s - interval '3 days'
             ORDER BY tenant_id, hour, revision DESC) AS latest
     WHERE drift_rounds > 0
     GROUP BY tenant_id
"""


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """What waits, what Stripe refused, and where it counted something else."""

    oldest_seconds: float
    rejected: int
    # Stripe's units less ours, and how many rounds in a row, by tenant.
    drift: dict[str, tuple[int, int]]


def outbox_health(*, now: datetime) -> OutboxHealth:
    """Return the outbox's state."""
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(_HEALTH, {"now": now})
        oldest, rejected = cursor.fetchone()
        cursor.execute(_DRIFT, {"now": now})
        drift = {tenant: (int(units), int(rounds)) for tenant, units, rounds in cursor.fetchall()}
    return OutboxHealth(oldest_seconds=max(oldest or 0.0, 0.0), rejected=rejected, drift=drift)
