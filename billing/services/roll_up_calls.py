"""Adds up each store's calls by day, so that a page of all stores reads one row for each."""

from __future__ import annotations

from django.db import connection, transaction

from tenants.context import on_platform

# Buckets are found by environment; by the hour alone the whole table would be read.
_ROLL_UP = """
    INSERT INTO tenants_environmentday AS known (environment_id, day, calls, units, fallbacks)
    SELECT environment.id, counted.day, counted.calls, counted.units, counted.fallbacks
      FROM tenants_environment environment
     CROSS JOIN LATERAL (
            SELECT (hour AT TIME ZONE 'UTC')::date AS day, sum(calls) AS calls, sum(units) AS units,
                   sum(fallbacks) AS fallbacks
              FROM billing_usagebucket
             WHERE environment_id = environment.id
               AND hour >= date_trunc('day', now(), 'UTC') - make_interval(days => %s)
             GROUP BY 1
           ) counted
     ORDER BY 1, 2
    ON CONFLICT (environment_id, day) DO UPDATE
       SET calls = excluded.calls, units = excluded.units, fallbacks = excluded.fallbacks
     WHERE (known.calls, known.units, known.fallbacks)
           IS DISTINCT FROM (excluded.calls, excluded.units, excluded.fallbacks)
"""
# Logs are shipped within seconds; what a host kept back, or staff had replayed, comes later.
DAYS_BEFORE_TODAY = 1
LATE_DAYS = 40


def roll_up_calls() -> int:
    """Count today and yesterday again.

    Returns
    -------
    int
        The number of environments' days that have changed.
    """
    return _roll_up(DAYS_BEFORE_TODAY)


def roll_up_late_calls() -> int:
    """Count every day again that a late usage log may still change.

    Returns
    -------
    int
        The number of environments' days that have changed.
    """
    return _roll_up(LATE_DAYS)


def _roll_up(days: int) -> int:
    with on_platform(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ROLL_UP, [days])
        return int(cursor.rowcount)
