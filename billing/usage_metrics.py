"""What operators watch of the way from the buckets to Stripe; the dispatcher measures it."""

from __future__ import annotations

from prometheus_client import Gauge

OLDEST_REPORT = Gauge(
    "shelfwise_usage_oldest_report_seconds", "How long the oldest hourly total has waited."
)
REJECTED_REPORTS = Gauge(
    "shelfwise_usage_rejected_reports", "Hourly totals that Stripe will never take."
)
DRIFT_UNITS = Gauge(
    "shelfwise_billing_drift_units", "Stripe's units less ours, of compared hours.", ["tenant"]
)
DRIFT_ROUNDS = Gauge(
    "shelfwise_billing_drift_rounds", "How often in a row an hour differed; 2 and more is an alarm."
)
