"""One Redis client per process, which fails fast: what Redis holds is never worth a long wait."""

from __future__ import annotations

from functools import cache

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from saas.lib.config import config

# A healthy answer takes under a millisecond.
TIMEOUT_SECONDS = 0.25
# Once more, for a connection that a restart of Redis has left dead.
RETRIES = 1


@cache
def redis_client() -> Redis:
    """Return the process's client; it connects when it is first used."""
    return Redis.from_url(
        config().redis_url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), RETRIES),
    )
