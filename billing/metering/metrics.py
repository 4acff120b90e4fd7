"""What operators watch of the way from the usage logs to the ledger."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

UNSHIPPED_BYTES = Gauge(
    "shelfwise_usage_unshipped_bytes", "Bytes of usage logs that are not in the ledger."
)
LAG_SECONDS = Gauge(
    "shelfwise_usage_lag_seconds", "Age of the last moment up to which the ledger knew every call."
)
SHIPPED = Counter("shelfwise_usage_shipped_total", "Calls added to the ledger.")
SEQUENCE_HOLES = Counter(
    "shelfwise_usage_sequence_holes_total", "Records that are missing between the ones found."
)
BAD_RECORDS = Counter(
    "shelfwise_usage_bad_records_total", "Records whose checksum failed, skipped."
)
FAILED_ROUNDS = Counter(
    "shelfwise_usage_failed_rounds_total", "Rounds that PostgreSQL or the disk did not let end."
)
QUOTA_ROUNDS_FAILED = Counter(
    "shelfwise_quota_rounds_failed_total", "Rounds in which the quota counters did not answer."
)
SILENT_HOSTS = Gauge(
    "shelfwise_usage_silent_hosts", "Hosts that shipped usage lately and have stopped to."
)
