"""Tells serving again, from PostgreSQL, what a Redis that was lost had known of shoppers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import structlog

from engine.selectors.newest_events import NewestEvent, newest_events
from saas.lib.recent_events import (
    MAX_RECENT_EVENTS,
    RECENT_EVENTS_SECONDS,
    RecentEvent,
    anonymous_key,
    pack,
    recent_list,
    session_key,
    user_key,
)
from saas.lib.redis_client import redis_client
from tenants.models.environment import Environment

log = structlog.get_logger()

# Whoever comes back within the hour is among them; for the others the model remembers.
MOST_EVENTS = 100_000
# Redis answers nobody else while it takes a batch: some milliseconds.
LISTS_AT_ONCE = 200

# KEYS: the lists. ARGV: the most entries of a list, its seconds, then for each list the number of
# its entries and the entries, newest first. What came meanwhile stays before them, once.
_REFILL = """
local most = tonumber(ARGV[1])
local next = 3
for list = 1, #KEYS do
    local known = {}
    for _, entry in ipairs(redis.call('LRANGE', KEYS[list], 0, -1)) do
        known[entry] = true
    end
    local entries = tonumber(ARGV[next])
    for at = next + 1, next + entries do
        if not known[ARGV[at]] then
            redis.call('RPUSH', KEYS[list], ARGV[at])
        end
    end
    redis.call('LTRIM', KEYS[list], 0, most - 1)
    redis.call('EXPIRE', KEYS[list], ARGV[2])
    next = next + entries + 1
end
"""


def refill_recent_events(*, environment: Environment) -> int:
    """Put the newest events back into their shoppers' lists, inside `in_environment`.

    Done twice, or while events come in, it adds none twice.

    Parameters
    ----------
    environment
        Whose shoppers.

    Returns
    -------
    int
        The number of lists.

    Raises
    ------
    redis.exceptions.RedisError
        Redis is away again; some lists may be full already.
    """
    lists: dict[str, list[bytes]] = {}
    for event in newest_events(most=MOST_EVENTS, seconds=RECENT_EVENTS_SECONDS):
        entry = _packed(event)
        for shopper_key in _shopper_keys(event):
            entries = lists.setdefault(recent_list(environment.pk, shopper_key), [])
            if len(entries) < MAX_RECENT_EVENTS:
                entries.append(entry)
    remaining = iter(lists.items())
    while batch := dict(islice(remaining, LISTS_AT_ONCE)):
        _push(batch)
    log.info("recent_events_refilled", lists=len(lists))
    return len(lists)


def _packed(event: NewestEvent) -> bytes:
    # As ingestion says it, to the millisecond: the same event must be the same entry.
    epoch_ms = int(event.occurred_at.timestamp() * 1000)
    return pack(RecentEvent(item_id=event.item_id, type=event.type, epoch_ms=epoch_ms))


def _shopper_keys(event: NewestEvent) -> list[str]:
    keys = [] if event.session_id is None else [session_key(event.session_id)]
    if event.user_id is not None:
        keys.append(user_key(event.user_id))
    elif event.anonymous_id is not None:
        keys.append(anonymous_key(event.anonymous_id))
    return keys


def _push(lists: Mapping[str, Sequence[bytes]]) -> None:
    arguments: list[bytes | int] = [MAX_RECENT_EVENTS, RECENT_EVENTS_SECONDS]
    for entries in lists.values():
        arguments += [len(entries), *entries]
    redis_client().eval(_REFILL, len(lists), *lists, *arguments)
