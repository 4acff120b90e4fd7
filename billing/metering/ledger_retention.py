"""Drops the ledger's days that are long over; the hourly buckets, which are billed from, stay."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import psycopg
import structlog

_log = structlog.get_logger()

# Stripe takes corrections for 35 days; the function in PostgreSQL drops nothing younger either.
KEPT_DAYS = 45

_OLDEST = """
    SELECT to_date(right(relname, 8), 'YYYYMMDD') FROM pg_inherits
    JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'public.billing_usageledger'::regclass AND relname ~ '_[0-9]{8}$'
    ORDER BY relname LIMIT 1
"""
_DROP = "SELECT public.billing_drop_ledger_partition(%s)"


def drop_oldest_day(connection: psycopg.Connection[Any], *, today: date) -> bool:
    """Drop the oldest day of the ledger where it is old enough and all of its calls are counted.

    Parameters
    ----------
    connection
        In autocommit, so that a drop's locks are held for its own moment alone.
    today
        The UTC day.

    Returns
    -------
    bool
        Whether a day went, so that there may be another one.

    Raises
    ------
    psycopg.Error
        PostgreSQL went away.
    """
    row = connection.execute(_OLDEST).fetchone()
    if row is None or row[0] >= today - timedelta(days=KEPT_DAYS):
        return False
    day = row[0].isoformat()
    try:
        is_gone = connection.execute(_DROP, [row[0]]).fetchone()
    except (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.UndefinedFunction,
    ) as error:
        _log.warning("ledger_day_not_dropped", day=day, error=str(error))
        return False
    if is_gone != (True,):
        _log.error("ledger_day_not_counted", day=day)
        return False
    _log.info("ledger_day_dropped", day=day)
    return True
