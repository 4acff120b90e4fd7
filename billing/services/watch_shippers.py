"""Misses the hosts whose usage logs are no longer shipped: their calls would not be charged."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.utils import timezone

from billing.metering import metrics
from billing.models.usage import UsageShipper
from tenants.context import on_platform

_log = structlog.get_logger()

# Several rounds, and a restart between them.
SILENT_AFTER = timedelta(seconds=60)
# What was not missed by then was taken out of service.
FORGOTTEN_AFTER = timedelta(days=7)


def watch_shippers() -> int:
    """Report the silent hosts, and forget those that nobody has missed.

    Returns
    -------
    int
        How many are silent.
    """
    now = timezone.now()
    with on_platform():
        UsageShipper.objects.filter(shipped_up_to__lt=now - FORGOTTEN_AFTER).delete()
        silent = list(UsageShipper.objects.filter(shipped_up_to__lt=now - SILENT_AFTER))
    metrics.SILENT_HOSTS.set(len(silent))
    for each in silent:
        _log.error(
            "usage_host_silent",
            host=each.host,
            seconds=round((now - each.shipped_up_to).total_seconds()),
        )
    return len(silent)
