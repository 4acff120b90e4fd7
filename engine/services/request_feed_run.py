"""Queues a look at a feed's file, beside the ones that the clock queues."""

from __future__ import annotations

from engine.jobs import FEED_JOB
from tenants.context import on_platform
from tenants.models.feed import Feed
from tenants.services.enqueue_job import enqueue_job


def feed_key(feed_id: str) -> str:
    """Return what keeps a feed to one run at a time."""
    return f"feed:{feed_id}"


def request_feed_run(feed: Feed) -> None:
    """Queue a run that reads the file even if it is unchanged; one that is queued or runs will do.

    Parameters
    ----------
    feed
        Its row; says afterwards that a run is queued.
    """
    job_id = enqueue_job(
        kind=FEED_JOB,
        environment_id=feed.environment_id,
        payload={"feed_id": feed.pk, "reads_unchanged": True},
        exclusive_key=feed_key(feed.pk),
    )
    if job_id is not None:
        feed.run_status = Feed.RunStatus.QUEUED
        with on_platform():
            feed.save(update_fields=["run_status"])
