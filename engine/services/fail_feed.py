"""Records that a run of a feed failed, and has it tried again before its regular time."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.utils import timezone

from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.feed import Feed
from tenants.services.announce import announce

log = structlog.get_logger()

# A shop's night of maintenance should not cost a daily feed a day.
FIRST_RETRY = timedelta(minutes=15)
_MOST_DOUBLINGS = 10


def fail_feed(*, environment: Environment, feed_id: str, code: str, reason: str) -> None:
    """Record a failed run; call in the transaction that ends its job.

    It is tried again a quarter of an hour later, then twice as late each time, until the regular
    times come first. Webhooks hear of the first failure in a row.

    Parameters
    ----------
    environment, feed_id
        Whose feed, and which, if it exists still.
    code, reason
        Stable, for programs; and one sentence for the shop's developer.
    """
    with on_platform():
        feed = Feed.objects.select_for_update().filter(pk=feed_id).first()
        if feed is None:
            return
        now = timezone.now()
        retry_in = FIRST_RETRY * 2 ** min(feed.failures, _MOST_DOUBLINGS)
        feed.next_run_at = min(feed.next_run_at, now + retry_in)
        feed.failures += 1
        feed.run_status = Feed.RunStatus.FAILED
        feed.run_error_code, feed.run_error = code, reason
        feed.run_bytes = None
        feed.run_finished_at = now
        feed.save()
    if feed.failures == 1:
        data = {"id": feed_id, "code": code, "detail": reason}
        announce(environment=environment, event_type="feed.failed", data=data)
    log.info("feed_failed", id=feed_id, code=code, failures=feed.failures)
