"""What operators see of serving: histograms with children bound once, counters and ages."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

# From a cached answer to the longest that a shop's page would wait.
_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

CALL_SECONDS = Histogram(
    "shelfwise_recommendation_seconds",
    "From the request's first byte read to the answer's last byte handed over.",
    ["operation"],
    buckets=_BUCKETS,
)
ANSWERS = Counter(
    "shelfwise_recommendation_answers", "Answers by operation and status.", ["operation", "status"]
)
FALLBACKS = Counter(
    "shelfwise_recommendation_fallbacks", "Answers that fell back, by reason.", ["reason"]
)
MODELS_OPENED = Counter("shelfwise_models_opened", "Model versions opened for serving.")
MODELS_REFUSED = Counter(
    "shelfwise_models_refused", "Model versions not served: damaged, foreign or missing."
)
MODELS_OPEN = Gauge("shelfwise_models_open", "Model versions open now.")
CATALOGUE_ROWS = Counter("shelfwise_catalogue_rows", "Changed item rows read from PostgreSQL.")
RECENT_EVENTS_FAILURES = Counter(
    "shelfwise_recent_events_failures", "Calls answered without the last seconds of behaviour."
)
USAGE_UNRECORDED = Counter(
    "shelfwise_usage_unrecorded", "Calls that were answered and could not be recorded."
)
CONTROL_AGE_SECONDS = Gauge(
    "shelfwise_control_age_seconds", "Seconds since PostgreSQL last confirmed the control snapshot."
)
CATALOGUE_AGE_SECONDS = Gauge(
    "shelfwise_catalogue_age_seconds", "Seconds since PostgreSQL last answered for item changes."
)
