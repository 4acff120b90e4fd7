"""Tells serving, through Redis, what shoppers have just done; called after the commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

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

_moment = attrgetter("epoch_ms")

# KEYS: the lists, then the watermark. ARGV: the most entries of a list, its seconds, an epoch in
# case there is none, then for each list the number of its entries and the entries. One command:
# a pipeline of three for each list made the whole request a fifth slower (measured).
_PUBLISH = """
local most = tonumber(ARGV[1])
local next = 4
for list = 1, #KEYS - 1 do
    local entries = tonumber(ARGV[next])
    local length = redis.call('LPUSH', KEYS[list], unpack(ARGV, next + 1, next + entries))
    if length > most then
        redis.call('LTRIM', KEYS[list], 0, most - 1)
    end
    redis.call('EXPIRE', KEYS[list], ARGV[2])
    next = next + entries + 1
end
local watermark = KEYS[#KEYS]
redis.call('HSETNX', watermark, 'epoch', ARGV[3])
local n = redis.call('HINCRBY', watermark, 'n', 1)
return redis.call('HGET', watermark, 'epoch') .. '-' .. n
"""


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
    lists = [recent_list(environment_id, shopper_key) for shopper_key in recent]
    # A new epoch says that the numbers before it, and the lists, were lost.
    arguments: list[bytes | str | int] = [MAX_RECENT_EVENTS, RECENT_EVENTS_SECONDS, new_ulid()]
    for events in recent.values():
        ordered = sorted(events, key=_moment)[-MAX_RECENT_EVENTS:]
        arguments += [len(ordered), *map(pack, ordered)]
    try:
        watermark = redis_client().eval(
            _PUBLISH, len(lists) + 1, *lists, watermark_hash(environment_id), *arguments
        )
    except RedisError as error:
        log.warning("events_unpublished", error=type(error).__name__)
        return None
    return str(watermark, "ascii")


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
