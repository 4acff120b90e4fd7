"""Ends a feed; what it brought stays."""

from __future__ import annotations

from engine.selectors.feeds import locked_feed
from tenants.context import on_platform
from tenants.models.environment import Environment


def delete_feed(*, environment: Environment, feed_id: str) -> None:
    """Delete a feed; a run that is under way starts no import any more.

    Parameters
    ----------
    environment, feed_id
        Whose feed, and which.

    Raises
    ------
    NotFound
        There is no such feed.
    """
    feed = locked_feed(environment_id=environment.pk, feed_id=feed_id)
    with on_platform():
        feed.delete()
