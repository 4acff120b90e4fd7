"""Begins to fetch a file from a store's address again and again, the first time at once."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone

from engine.services.request_feed_run import request_feed_run
from saas.lib.destinations import check_url
from saas.lib.errors import Conflict
from saas.lib.ids import new_ulid
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.feed import INTERVALS, Feed

# Each takes a share of the workers.
MAX_FEEDS = 50


def create_feed(
    *,
    environment: Environment,
    url: str,
    kind: str,
    file_format: str,
    mode: str,
    every: str,
    time_zone: str | None,
    mapping: Mapping[str, str],
) -> Feed:
    """Make a feed and queue its first run; call inside the environment.

    Parameters
    ----------
    environment
        Whose data the file holds.
    url
        Where it lies; https, on the public internet.
    kind, file_format, mode, time_zone, mapping
        As of an import.
    every
        How often to look: one of ``INTERVALS``.

    Returns
    -------
    Feed
        Its row.

    Raises
    ------
    UrlNotAllowed
        The URL may not be called.
    Conflict
        There are too many feeds.
    """
    check_url(url)
    now = timezone.now()
    with on_platform():
        if Feed.objects.filter(environment=environment).count() >= MAX_FEEDS:
            raise Conflict(f"There are {MAX_FEEDS} feeds already; delete one of them first.")
        feed = Feed.objects.create(
            id=new_ulid(),
            environment=environment,
            url=url,
            kind=kind,
            format=file_format,
            mode=mode,
            every=every,
            timezone=time_zone,
            mapping=dict(mapping),
            created_at=now,
            next_run_at=now + INTERVALS[every],
        )
    request_feed_run(feed)
    return feed
