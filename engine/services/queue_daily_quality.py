"""The clock's part in watching data quality: one look a day where somebody wants to hear of it."""

from __future__ import annotations

from engine.jobs import QUALITY_JOB
from engine.services.queue_daily import queue_daily

_IS_WANTED = """
    EXISTS (SELECT 1 FROM tenants_webhook webhook
             WHERE webhook.environment_id = environment.id AND webhook.disabled_at IS NULL
                   AND 'data_quality.alert' = ANY(webhook.events))
"""


def queue_daily_quality() -> int:
    """Queue today's look for each environment with a webhook for it; asked again, it adds nothing.

    Returns
    -------
    int
        The number of jobs queued.
    """
    return queue_daily(kind=QUALITY_JOB, key="quality", condition=_IS_WANTED)
