"""Takes what shoppers have just done out of Redis again."""

from __future__ import annotations

from collections.abc import Collection

from saas.lib.recent_events import ANONYMOUS_PREFIX, identity_key, recent_list
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
    return int(redis_client().delete(*names))
