"""Readiness checks of the servers that every process leans on, made without any pool."""

from __future__ import annotations

import psycopg
import redis

from saas.lib.management_server import Check
from saas.lib.postgres import LIVENESS

_SECONDS = 2


def postgres_answers(url: str) -> Check:
    """Return a check that opens a connection of its own."""

    def check() -> None:
        with psycopg.connect(url, connect_timeout=_SECONDS, **LIVENESS) as connection:
            connection.execute("SELECT 1")

    return check


def redis_answers(url: str) -> Check:
    """Return a check that opens a connection of its own."""

    def check() -> None:
        with redis.Redis.from_url(
            url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS
        ) as client:
            client.ping()

    return check
