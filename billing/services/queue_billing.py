"""What the clock does for billing: closes hours, and queues the jobs that talk to Stripe."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from billing.jobs import MIRROR_PLANS_JOB, RECONCILE_JOB, RESYNC_JOB, SEND_USAGE_JOB
from billing.selectors.outbox_health import outbox_health
from billing.services.close_hours import close_hours
from billing.stripe_gateway import is_stripe_configured
from billing.usage_metrics import DRIFT_ROUNDS, DRIFT_UNITS, OLDEST_REPORT, REJECTED_REPORTS
from tenants.context import on_platform
from tenants.services.enqueue_job import enqueue_job

_IS_DUE = """
    SELECT 1 FROM billing_usagereport JOIN billing_subscription USING (tenant_id)
     WHERE billing_usagereport.state = 'pending' AND next_attempt_at <= %s
       AND stripe_customer_id <> ''
     LIMIT 1
"""
# A row that was changed by hand has lost them.
_LACKS_PRICES = """
    SELECT 1 FROM billing_plan
     WHERE (is_offered OR price_minor > 0)
       AND (stripe_flat_price_id = '' OR stripe_metered_price_id = '')
     LIMIT 1
"""


def close_ended_hours() -> None:
    """Put the totals of ended hours into the outbox."""
    close_hours(now=timezone.now())


def queue_billing() -> None:
    """Queue what is due; without a Stripe nothing is sent, and nothing is lost."""
    now = timezone.now()
    if not is_stripe_configured():
        return
    _queue_if(_IS_DUE, [now], SEND_USAGE_JOB)
    _queue_if(_LACKS_PRICES, [], MIRROR_PLANS_JOB)
    with on_platform(), transaction.atomic():
        enqueue_job(
            kind=RECONCILE_JOB, environment_id=None, dedupe_key=f"reconcile:{now:%Y-%m-%dT%H}"
        )
        # The first one of a new installation finds nothing, and costs nothing.
        enqueue_job(kind=RESYNC_JOB, environment_id=None, dedupe_key=f"resync:{now:%Y-%m-%d}")


def measure_outbox() -> None:
    """Show operators what waits for Stripe, was refused by it, or differs."""
    health = outbox_health(now=timezone.now())
    OLDEST_REPORT.set(health.oldest_seconds)
    REJECTED_REPORTS.set(health.rejected)
    DRIFT_UNITS.clear()
    for tenant, (units, _) in health.drift.items():
        DRIFT_UNITS.labels(tenant).set(units)
    DRIFT_ROUNDS.set(max((rounds for _, rounds in health.drift.values()), default=0))


def _queue_if(question: str, parameters: list[datetime], kind: str) -> None:
    with on_platform(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(question, parameters)
        if cursor.fetchone():
            enqueue_job(kind=kind, environment_id=None, exclusive_key=kind)
