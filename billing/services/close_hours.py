"""Puts each ended hour's total into the outbox, and a new revision where a total has changed."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from billing.models.usage_report import UsageReport
from tenants.context import on_platform
from tenants.services.record_audit import record_audit

_log = structlog.get_logger()

# A process may have been away for this long before its log is shipped; what comes later still
# counts, as the next revision.
CLOSED_AFTER = timedelta(minutes=10)
# The frequent look; the hourly one looks back as far as Stripe takes corrections.
LOOKED_BACK, LOOKED_BACK_FAR = timedelta(days=2), timedelta(days=36)

# What was used and what was reported last; where they differ, the next revision is due. A call's
# time is in its ULID, by which the ledger is ordered, so that an hour is one range of the key.
_ADD_REPORTS = """
    WITH used AS (
        SELECT tenant_id, hour, greatest(sum(units), 0)::bigint AS units,
               array_agg(DISTINCT environment.id) AS places, ended_at
          FROM billing_subscription
          JOIN tenants_environment environment USING (tenant_id)
         CROSS JOIN LATERAL (
               SELECT hour, units FROM billing_usagebucket
                WHERE environment_id = environment.id
                  AND hour >= %(since)s AND hour < %(until)s
                UNION ALL
               SELECT hour, units FROM billing_usageadjustment
                WHERE environment_id = environment.id
                  AND hour >= %(since)s AND hour < %(until)s
         ) AS counted
         WHERE stripe_subscription_id <> '' AND environment.kind = 'live'
         GROUP BY tenant_id, hour, ended_at
    ), latest AS (
        SELECT DISTINCT ON (tenant_id, hour) tenant_id, hour, revision, units, next_attempt_at
          FROM billing_usagereport
         WHERE hour >= %(since)s AND hour < %(until)s
         ORDER BY tenant_id, hour, revision DESC
    ), due AS (
        SELECT used.tenant_id, used.hour, used.units, used.places,
               coalesce(latest.revision, 0) + 1 AS revision,
               latest.units AS units_before,
               greatest(latest.next_attempt_at, %(now)s) AS next_attempt_at,
               used.ended_at
          FROM used
          LEFT JOIN latest USING (tenant_id, hour)
         WHERE used.units <> coalesce(latest.units, 0)
    ), added AS (
        INSERT INTO billing_usagereport (tenant_id, hour, revision, units, last_call_at, state,
                attempts, next_attempt_at, error, drift_rounds, drift_units)
        SELECT tenant_id, hour, revision, units,
               least(coalesce((
                   SELECT max(at) FROM billing_usageledger
                    WHERE environment_id = ANY (places)
                      AND call_id >= %(first)s AND call_id < %(last)s
                      AND call_id >= (lpad(to_hex((extract(epoch FROM hour) * 1000)::bigint
                                           - 60000), 12, '0') || repeat('0', 20))::uuid
                      AND call_id < (lpad(to_hex((extract(epoch FROM hour) * 1000)::bigint
                                          + 3660000), 12, '0') || repeat('0', 20))::uuid
                      AND at >= hour AND at < hour + interval '1 hour'
               ), hour + interval '59 minutes 59 seconds'),
               CASE WHEN ended_at > hour THEN ended_at - interval '1 second' END),
               'pending', 0, next_attempt_at, '', 0, 0
          FROM due
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, hour, revision, units
    ), passed AS (
        UPDATE billing_usagereport old SET state = 'superseded'
          FROM added
         WHERE old.tenant_id = added.tenant_id AND old.hour = added.hour
           AND old.revision < added.revision AND old.state = 'pending'
    )
    SELECT added.tenant_id, added.hour, added.revision, added.units, due.units_before
      FROM added JOIN due USING (tenant_id, hour)
"""


def close_hours(*, now: datetime, back: timedelta = LOOKED_BACK) -> int:
    """Queue the totals of ended hours that Stripe has not been told.

    Only live environments of stores with a subscription at Stripe; a total that changed after it
    was queued is the next revision, written to the audit log.

    Parameters
    ----------
    now
        An hour is closed ten minutes after its end.
    back
        How far to look.

    Returns
    -------
    int
        The number of reports queued.
    """
    since, until = now - back, now - CLOSED_AFTER - timedelta(hours=1)
    with on_platform(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _ADD_REPORTS,
            {
                "now": now,
                "since": since,
                # The bucket that begins a moment earlier has ended.
                "until": until + timedelta(microseconds=1),
                "first": _first_ulid(since),
                "last": _first_ulid(now),
            },
        )
        added = cursor.fetchall()
        for tenant_id, hour, revision, units, units_before in added:
            if revision > 1:
                record_audit(
                    tenant_id=tenant_id,
                    actor="command",
                    action="usage_report_revised",
                    object=f"hour:{hour:%Y-%m-%dT%H}",
                    reason="Calls of this hour arrived after it was reported.",
                    before={"revision": revision - 1, "units": units_before},
                    after={"revision": revision, "units": units},
                )
    if added:
        _log.info("hours_closed", reports=len(added))
    return len(added)


def resend_hour(*, report: UsageReport) -> None:
    """Have Stripe told of an hour again, with the next revision: an identifier counts once a day.

    Runs inside the caller's transaction.

    Parameters
    ----------
    report
        The hour's latest.
    """
    UsageReport.objects.filter(pk=report.pk, state=UsageReport.State.PENDING).update(
        state=UsageReport.State.SUPERSEDED
    )
    UsageReport.objects.create(
        tenant_id=report.tenant_id,
        hour=report.hour,
        revision=report.revision + 1,
        units=report.units,
        last_call_at=report.last_call_at,
        drift_rounds=report.drift_rounds,
        drift_units=report.drift_units,
    )


def _first_ulid(moment: datetime) -> str:
    return f"{int((moment - timedelta(hours=1)).timestamp() * 1000):012x}" + "0" * 20
