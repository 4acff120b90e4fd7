"""Empties the outbox towards Stripe: one call at a time for a customer, the newest total alone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from billing.models.usage_report import UsageReport
from billing.services.charge_late_usage import charge_late_usage
from billing.stripe_connection import TIMEOUT_SECONDS, StripeRefusedError
from billing.stripe_gateway import gateway
from saas.lib.errors import BillingUnavailable
from tenants.context import on_platform

_log = structlog.get_logger()

# Stripe's sandboxes take far fewer calls than its live accounts; a thousand stores take 20 s.
PACE_SECONDS = 1 / 50
# A day less than Stripe takes events for.
TAKEN_FOR = timedelta(days=34)
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 15.0, 1_800.0

# A tenant whose report another worker sends now is that worker's. The advisory lock ends with the
# transaction, so with the worker, too.
_TAKE_NEXT = """
    SELECT report.id, report.tenant_id, stripe_customer_id
      FROM billing_usagereport report
      JOIN billing_subscription subscription USING (tenant_id)
     WHERE report.state = 'pending' AND report.next_attempt_at <= %(now)s
       AND stripe_customer_id <> ''
     ORDER BY report.next_attempt_at, report.hour
     LIMIT 1 OFFSET %(skipped)s
"""
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('stripe:' || %s, 0))"


@dataclass(frozen=True, slots=True)
class Sent:
    """What one round did."""

    sent: int = 0
    failed: int = 0


def send_usage_reports(*, now: Callable[[], datetime], most: int = 1_000) -> Sent:
    """Send the due reports, the longest due first, until none is due.

    Parameters
    ----------
    now
        The clock; what waits for a later moment is left for a later round.
    most
        Where a round ends in any case, so that its job does.

    Returns
    -------
    Sent
        How many Stripe has, and how many wait for another try.
    """
    sent = failed = skipped = 0
    while sent + failed + skipped < most:
        began = time.monotonic()
        outcome = _send_next(now(), skipped=skipped)
        if outcome is None:
            break
        if outcome == "busy":
            skipped += 1
            continue
        sent += outcome == "sent"
        failed += outcome == "failed"
        time.sleep(max(PACE_SECONDS - (time.monotonic() - began), 0))
    return Sent(sent=sent, failed=failed)


def _send_next(now: datetime, *, skipped: int) -> str | None:
    """Send one report in a transaction that holds its customer; say how it went."""
    with on_platform(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE_NEXT, {"now": now, "skipped": skipped})
        found = cursor.fetchone()
        if found is None:
            return None
        report_id, _, customer = found
        cursor.execute(_LOCK, [customer])
        if cursor.fetchone() != (True,):
            return "busy"
        # Under the lock: another worker may have sent it since, or a newer revision come.
        report = (
            UsageReport.objects.select_for_update()
            .filter(pk=report_id, state=UsageReport.State.PENDING)
            .first()
        )
        if report is None:
            return "gone"
        return _send(report, customer=customer, now=now)


def _send(report: UsageReport, *, customer: str, now: datetime) -> str:
    is_late = now - report.last_call_at > TAKEN_FOR
    try:
        if is_late:
            charge_late_usage(report=report, customer=customer)
        else:
            gateway().send_usage(
                customer=customer,
                units=report.units,
                at=report.last_call_at,
                identifier=report.identifier,
            )
    except BillingUnavailable as error:
        _put_off(report, now=now, reason=str(error.__cause__ or error))
        return "failed"
    except StripeRefusedError as error:
        if not error.is_duplicate_event:
            _log.error("usage_report_rejected", report=report.identifier, reason=str(error))
            _finish(report, UsageReport.State.REJECTED, now=now, error=str(error))
            return "rejected"
    _finish(report, UsageReport.State.INVOICED if is_late else UsageReport.State.SENT, now=now)
    return "sent"


def _finish(report: UsageReport, state: str, *, now: datetime, error: str = "") -> None:
    UsageReport.objects.filter(pk=report.pk).update(
        state=state, attempts=report.attempts + 1, sent_at=now, error=error
    )


def _put_off(report: UsageReport, *, now: datetime, reason: str) -> None:
    """Try later; never before an answer that we gave up on could still have its effect.

    A newer revision of the hour inherits the time, lest the older total overwrite it.
    """
    wait = min(_FIRST_WAIT_SECONDS * 2**report.attempts, _LONGEST_WAIT_SECONDS)
    wait = max(wait * random.uniform(0.5, 1), TIMEOUT_SECONDS)  # noqa: S311  # jitter, no secret
    UsageReport.objects.filter(pk=report.pk).update(
        attempts=report.attempts + 1,
        next_attempt_at=now + timedelta(seconds=wait),
        error=reason,
    )
    _log.warning("usage_report_put_off", report=report.identifier, seconds=wait, reason=reason)
