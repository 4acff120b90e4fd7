"""What the ledger says to the quota counters: what a store used, and what a dead process did."""

from __future__ import annotations

from typing import Any

import psycopg

from billing.metering.quota import Dead, Quota
from billing.metering.record import UsageFlag

_USED = """
    SELECT coalesce(sum(units), 0) FROM public.billing_usagebucket
    WHERE environment_id = %s
        AND hour >= date_trunc('hour', to_timestamp(%s), 'UTC') AND hour < to_timestamp(%s)"""
_LOST = f"""
    SELECT coalesce(sum(units), 0) FROM public.billing_usageledger
    WHERE environment_id = %s AND flags & {int(UsageFlag.BILLABLE)} <> 0
        AND source_id = (SELECT id FROM public.billing_usagesource WHERE name = %s)
        AND at > to_timestamp(%s / 1000.0) AND call_id >= %s AND call_id < %s"""  # noqa: S608


def used_units(connection: psycopg.Connection[Any], quota: Quota) -> int:
    """Return what a store used in its period, as far as it is shipped."""
    parameters = (quota.environment_id, quota.period_start, quota.period_end)
    row = connection.execute(_USED, parameters).fetchone()
    return int(row[0]) if row else 0


def lost_units(
    connection: psycopg.Connection[Any], quota: Quota, dead: Dead, *, within_seconds: int
) -> int:
    """Return what a process recorded after it last reported, within some seconds."""
    # The ledger is ordered by ids, which begin with their time.
    first, last = (
        f"{dead.reported_ms + seconds * 1000:012x}{'0' * 20}"
        for seconds in (-within_seconds, within_seconds)
    )
    row = connection.execute(
        _LOST, (quota.environment_id, dead.log, dead.reported_ms, first, last)
    ).fetchone()
    return int(row[0]) if row else 0
