"""Changes where a feed looks, how often, or how it reads what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from engine.selectors.feeds import SOURCE_MEMBERS, locked_feed
from engine.services.request_feed_run import request_feed_run
from saas.lib.destinations import check_url
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.feed import Feed


def change_feed(*, environment: Environment, feed_id: str, changes: Mapping[str, Any]) -> Feed:
    """Change a feed, inside the environment; where the file or its reading changes, look at once.

    Parameters
    ----------
    environment, feed_id
        Whose feed, and which.
    changes
        Members of a feed by their names in the contract, checked already but for the URL.

    Returns
    -------
    Feed
        Its row afterwards.

    Raises
    ------
    NotFound
        There is no such feed.
    UrlNotAllowed
        The new URL may not be called.
    """
    if "url" in changes:
        check_url(changes["url"])
    feed = locked_feed(environment_id=environment.pk, feed_id=feed_id)
    changed = {name for name, value in changes.items() if getattr(feed, name) != value}
    for name in changed:
        setattr(feed, name, changes[name])
    if "every" in changed:
        feed.next_run_at = timezone.now() + feed.interval
    if is_another := not changed.isdisjoint(SOURCE_MEMBERS):
        feed.etag = feed.last_modified = feed.digest = None
    with on_platform():
        feed.save(update_fields=[*changed, "next_run_at", "etag", "last_modified", "digest"])
    if is_another:
        request_feed_run(feed)
    return feed
