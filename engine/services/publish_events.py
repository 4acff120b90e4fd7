"""Tells serving, through Redis, what shoppers have just done; called after the commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

import msgspec
import structlog
from redis.exceptions import RedisError

from engine.rows.identity_links import NewLink
from engine.services.count_intake import COUNT, IntakeCount
from saas.lib.ids import new_ulid
from saas.lib.recent_events import (
    IDENTITY_SECONDS,
    MAX_RECENT_EVENTS,
    RECENT_EVENTS_SECONDS,
    RecentEvent,
    anonymous_key,
    identity_key,
    pack,
    pack_identity,
    recent_list,
    unpack,
    user_key,
    visitors_hash,
    watermark_hash,
)
from saas.lib.redis_client import redis_client

log = structlog.get_logger()

_moment = attrgetter("epoch_ms")

# KEYS: the watermark. ARGV: what the names of lists begin with, the entries of each list, the most
# entries of a list, its seconds, an epoch in case there is none. The entries are one argument,
# packed faster than hundreds, of one command: a pipeline of three commands for each list made the
# whole request a fifth slower (measured).
_PUBLISH = f"""
{COUNT}
local most = tonumber(ARGV[3])
for shopper, entries in pairs(cmsgpack.unpack(ARGV[2])) do
    local list = ARGV[1] .. shopper
    if redis.call('LPUSH', list, unpack(entries)) > most then
        redis.call('LTRIM', list, 0, most - 1)
    end
    redis.call('EXPIRE', list, ARGV[4])
end
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[5])
local n = redis.call('HINCRBY', KEYS[1], 'n', 1)
return redis.call('HGET', KEYS[1], 'epoch') .. '-' .. n
"""


def publish_events(
    *, environment_id: int, recent: Mapping[str, Sequence[RecentEvent]], count: IntakeCount
) -> str | None:
    """Put events into their shoppers' lists and count the request, in one round trip.

    Parameters
    ----------
    environment_id
        Whose shoppers.
    recent
        The events of each shopper key.
    count
        What became of the request's events.

    Returns
    -------
    str or None
        The watermark "epoch-n" from which serving knows these events; None while Redis is away.
    """
    entries = {
        shopper_key: [
            pack(event).decode()
            for event in (
                sorted(events, key=_moment)[-MAX_RECENT_EVENTS:] if events[1:] else events
            )
        ]
        for shopper_key, events in recent.items()
    }
    try:
        watermark = redis_client().eval(
            _PUBLISH,
            1 + len(count.keys),
            watermark_hash(environment_id),
            *count.keys,
            recent_list(environment_id, ""),
            msgspec.msgpack.encode(entries),
            MAX_RECENT_EVENTS,
            RECENT_EVENTS_SECONDS,
            # A new epoch says that the numbers before it, and the lists, were lost.
            new_ulid(),
            *count.arguments,
        )
    except RedisError as error:
        log.warning("events_unpublished", error=type(error).__name__)
        return None
    return str(watermark, "ascii")


def publish_merges(*, environment_id: int, links: Sequence[NewLink]) -> None:
    """Say who visitors are now, and move their recent events to whom they belong.

    They move, so that the next customer of a shared device starts with none of them: what came
    before a link goes to the user of the link before it.

    Parameters
    ----------
    environment_id
        Whose shoppers.
    links
        What has just been linked. One that is not the latest of its visitor says nothing about
        now; serving reads it from PostgreSQL.
    """
    latest = {link.anonymous_id: link for link in links if link.is_latest}
    visitors = [recent_list(environment_id, anonymous_key(visitor)) for visitor in latest]
    if not latest:
        return
    try:
        taking = redis_client().pipeline(transaction=True)
        for visitor, link in latest.items():
            taking.lrange(recent_list(environment_id, anonymous_key(visitor)), 0, -1)
            taking.set(
                identity_key(environment_id, visitor),
                pack_identity(link.user_id, epoch_ms=_epoch_ms(link)),
                ex=IDENTITY_SECONDS,
            )
        taking.delete(*visitors)
        *taken, _ = taking.execute()
        giving = redis_client().pipeline(transaction=True)
        for link, entries in zip(latest.values(), taken[::2], strict=True):
            for user_id, own in _by_owner(link, entries).items():
                user = recent_list(environment_id, user_key(user_id))
                giving.rpush(user, *own)
                giving.ltrim(user, 0, MAX_RECENT_EVENTS - 1)
                giving.expire(user, RECENT_EVENTS_SECONDS)
            giving.hdel(visitors_hash(environment_id, link.owner_before), link.anonymous_id)
            visitors_of_user = visitors_hash(environment_id, link.user_id)
            giving.hset(visitors_of_user, link.anonymous_id, _epoch_ms(link))
            giving.expire(visitors_of_user, IDENTITY_SECONDS)
        giving.execute()
    except RedisError as error:
        log.warning("merges_unpublished", error=type(error).__name__)


def _by_owner(link: NewLink, entries: Iterable[bytes]) -> dict[str, list[bytes]]:
    owners: dict[str, list[bytes]] = {}
    for entry in entries:
        is_before = unpack(entry).epoch_ms < _epoch_ms(link)
        owners.setdefault(link.owner_before if is_before else link.user_id, []).append(entry)
    return owners


def _epoch_ms(link: NewLink) -> int:
    return int(link.valid_from.timestamp() * 1000)
