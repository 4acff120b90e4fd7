"""Tells serving, through Redis, what shoppers have just done; called after the commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import structlog
from redis.exceptions import RedisError

from saas.lib.ids import new_ulid
from saas.lib.recent_events import (
    MAX_RECENT_EVENTS,
    RECENT_EVENTS_SECONDS,
    RecentEvent,
    anonymous_key,
    pack,
    recent_list,
    user_key,
    watermark_hash,
)
from saas.lib.redis_client import redis_client

log = structlog.get_logger()


def publish_events(
    *, environment_id: int, recent: Mapping[str, Sequence[RecentEvent]]
) -> str | None:
    """Put events into their shoppers' lists and count the request, in one round trip.

    Parameters
    ----------
    environment_id
        Whose shoppers.
    recent
        The events of each shopper key.

    Returns
    -------
    str or None
        The watermark "epoch-n" from which serving knows these events; None while Redis is away.
    """
    pipeline = redis_client().pipeline(transaction=True)
    for shopper_key, events in recent.items():
        name = recent_list(environment_id, shopper_key)
        ordered = sorted(events, key=lambda event: event.epoch_ms)
        pipeline.lpush(name, *(pack(event) for event in ordered[-MAX_RECENT_EVENTS:]))
        pipeline.ltrim(name, 0, MAX_RECENT_EVENTS - 1)
        pipeline.expire(name, RECENT_EVENTS_SECONDS)
    watermark = watermark_hash(environment_id)
    # A new epoch says that the numbers before it, and the lists, were lost.
    pipeline.hsetnx(watermark, "epoch", new_ulid())
    pipeline.hincrby(watermark, "n", 1)
    pipeline.hget(watermark, "epoch")
    try:
        *_, n, epoch = pipeline.execute()
    except RedisError as error:
        log.warning("events_unpublished", error=type(error).__name__)
        return None
    return f"{epoch.decode()}-{n}"


def publish_merges(*, environment_id: int, merges: Iterable[tuple[str, str]]) -> None:
    """Move the recent events of anonymous visitors to the users that they turned out to be.

    They move, so that the next customer of a shared device starts with none of them.

    Parameters
    ----------
    environment_id
        Whose shoppers.
    merges
        Pairs of anonymous_id and user_id.
    """
    pairs = list(merges)
    visitors = [recent_list(environment_id, anonymous_key(visitor)) for visitor, _ in pairs]
    try:
        taking = redis_client().pipeline(transaction=True)
        for visitor in visitors:
            taking.lrange(visitor, 0, -1)
        taking.delete(*visitors)
        *taken, _ = taking.execute()
        giving = redis_client().pipeline(transaction=True)
        for (_, user_id), entries in zip(pairs, taken, strict=True):
            if entries:
                user = recent_list(environment_id, user_key(user_id))
                giving.rpush(user, *entries)
                giving.ltrim(user, 0, MAX_RECENT_EVENTS - 1)
                giving.expire(user, RECENT_EVENTS_SECONDS)
        giving.execute()
    except RedisError as error:
        log.warning("merges_unpublished", error=type(error).__name__)
