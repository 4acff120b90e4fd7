"""Takes what shoppers have just done out of Redis again."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.selectors.intake import reasons_key
from saas.lib.recent_events import (
    ANONYMOUS_PREFIX,
    USER_PREFIX,
    RecentEvent,
    identity_key,
    pack,
    recent_list,
    visitors_hash,
)
from saas.lib.redis_client import redis_client


def forget_recent_events(*, environment_id: int, shopper_keys: Collection[str]) -> int:
    """Delete shoppers' lists, and who visitors have just turned out to be.

    Parameters
    ----------
    environment_id
        Whose shoppers.
    shopper_keys
        Of users, visitors and sessions.

    Returns
    -------
    int
        How many of them Redis held.

    Raises
    ------
    redis.exceptions.RedisError
        Redis is away.
    """
    if not shopper_keys:
        return 0
    names = [recent_list(environment_id, key) for key in shopper_keys]
    names += [
        identity_key(environment_id, key.removeprefix(ANONYMOUS_PREFIX))
        for key in shopper_keys
        if key.startswith(ANONYMOUS_PREFIX)
    ]
    names += [
        visitors_hash(environment_id, key.removeprefix(USER_PREFIX))
        for key in shopper_keys
        if key.startswith(USER_PREFIX)
    ]
    # What was said of a rejected event may quote whom it named.
    redis_client().delete(reasons_key(environment_id))
    return int(redis_client().delete(*names))


def forget_one_event(
    *, environment_id: int, shopper_keys: Collection[str], lines: Iterable[RecentEvent]
) -> None:
    """Take one event out of the lists that may hold it; of others just like it, none.

    Parameters
    ----------
    environment_id
        Whose shoppers.
    shopper_keys
        Of everybody who may have the event by now.
    lines
        The event, one for each item.

    Raises
    ------
    redis.exceptions.RedisError
        Redis is away.
    """
    pipeline = redis_client().pipeline(transaction=False)
    for line in lines:
        for key in shopper_keys:
            pipeline.lrem(recent_list(environment_id, key), 1, pack(line).decode())
    pipeline.execute()
