"""How processes connect to PostgreSQL: a server that vanishes is noticed within seconds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import psycopg

# A host that lost its power says nothing more. Without these, who waits for a notification waits
# for ever and who waits for an answer a quarter of an hour. Unix sockets need and heed none.
LIVENESS: Mapping[str, Any] = MappingProxyType(
    {
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
)


def connect_for_long(
    url: str, *, name: str, connect_timeout: int, options: str = ""
) -> psycopg.Connection[tuple[Any, ...]]:
    """Open an autocommit connection that one process keeps.

    Parameters
    ----------
    url
        Of the database and its login.
    name
        What operators see in `pg_stat_activity`, behind "shelfwise-".
    connect_timeout
        Seconds; at least 2 (libpq).
    options
        Settings of the session, as libpq takes them: "-c name=value".
    """
    return psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=connect_timeout,
        application_name=f"shelfwise-{name}",
        options=options,
        **LIVENESS,
    )
