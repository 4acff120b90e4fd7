"""One Redis client per process, which fails fast: what Redis holds is never worth a long wait."""

from __future__ import annotations

from functools import cache
from time import monotonic
from typing import Any

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NotAnswered
from redis.retry import Retry
from typing_extensions import override

from saas.lib.config import config

# A healthy answer takes under a millisecond.
TIMEOUT_SECONDS = 0.25
# Once more, for a connection that a restart of Redis has left dead.
RETRIES = 1
# Where the host has vanished each request would wait for the timeouts of its own.
REST_SECONDS = 1.0


class _RestingPool(ConnectionPool):
    """Fails at once for a while after a server that could not be reached."""

    _rests_until = float("-inf")

    @override
    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Connection:
        if monotonic() < self._rests_until:
            raise NotConnected("Redis could not be reached a moment ago; it is asked again soon.")
        try:
            return super().get_connection()
        except (NotConnected, NotAnswered):
            self._rests_until = monotonic() + REST_SECONDS
            raise


@cache
def redis_client() -> Redis:
    """Return the process's client; it connects when it is first used."""
    return client_of(config().redis_url)


def client_of(url: str) -> Redis:
    """Return a client of the server at this URL that waits for it no longer than it is worth."""
    pool = _RestingPool.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), RETRIES),
    )
    return Redis(connection_pool=pool)
