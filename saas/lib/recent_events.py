"""Names and packs a shopper's last seconds in Redis: written by ingestion, read by serving.

Redis holds only what a model cannot know yet; losing it loses speed, never data.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

# A session rarely holds more; the artifact carries the older history.
MAX_RECENT_EVENTS = 100
# Serving reads links from PostgreSQL twice a second; this bridges that, and a short outage of it.
IDENTITY_SECONDS = 3600
# A list outlives the longest wait for the next training.
RECENT_EVENTS_SECONDS = 30 * 24 * 3600
USER_PREFIX = "u:"
ANONYMOUS_PREFIX = "a:"


class RecentEvent(NamedTuple):
    """One behaviour of a shopper, as serving needs it."""

    item_id: str
    type: str
    epoch_ms: int


def user_key(user_id: str) -> str:
    """Return the shopper key of a known user."""
    return f"{USER_PREFIX}{user_id}"


def anonymous_key(anonymous_id: str) -> str:
    """Return the shopper key of a visitor who has not logged in."""
    return f"{ANONYMOUS_PREFIX}{anonymous_id}"


def session_key(session_id: str) -> str:
    """Return the shopper key of a session that names nobody."""
    return f"s:{session_id}"


def recent_list(environment_id: int, shopper_key: str) -> str:
    """Return the Redis key of a shopper's list, newest entry first."""
    return f"sw:{environment_id}:recent:{shopper_key}"


def identity_key(environment_id: int, anonymous_id: str) -> str:
    """Return the Redis key of who a visitor has just turned out to be."""
    return f"sw:{environment_id}:identity:{anonymous_id}"


def visitors_hash(environment_id: int, user_id: str) -> str:
    """Return the Redis key of the visitors that have just turned out to be a user, with since."""
    return f"sw:{environment_id}:visitors:{user_id}"


def pack_identity(user_id: str, *, epoch_ms: int) -> bytes:
    """Return the value of an identity key: the user, and since when."""
    return orjson.dumps([user_id, epoch_ms])


def unpack_identity(value: bytes) -> tuple[str, int]:
    """Return the user of an identity key, and since when.

    >>> unpack_identity(pack_identity("ada", epoch_ms=1700000000000))
    ('ada', 1700000000000)
    """
    user_id, epoch_ms = orjson.loads(value)
    return user_id, epoch_ms


def watermark_hash(environment_id: int) -> str:
    """Return the Redis key of the hash {epoch, n} that counts an environment's event requests."""
    return f"sw:{environment_id}:watermark"


def pack(event: RecentEvent) -> bytes:
    """Return the list entry of an event."""
    return orjson.dumps([event.item_id, event.type, event.epoch_ms])


def unpack(entry: bytes) -> RecentEvent:
    """Return the event of a list entry.

    >>> unpack(pack(RecentEvent("sku-1", "view", 1700000000000)))
    RecentEvent(item_id='sku-1', type='view', epoch_ms=1700000000000)
    """
    item_id, type_, epoch_ms = orjson.loads(entry)
    return RecentEvent(item_id=item_id, type=type_, epoch_ms=epoch_ms)
