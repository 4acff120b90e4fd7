"""Names and packs a shopper's last seconds in Redis: written by ingestion, read by serving.

Redis holds only what a model cannot know yet; losing it loses speed, never data.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

# A session rarely holds more; the artifact carries the older history.
MAX_RECENT_EVENTS = 100
# A list outlives the longest wait for the next training.
RECENT_EVENTS_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """One behaviour of a shopper, as serving needs it."""

    item_id: str
    type: str
    epoch_ms: int


def user_key(user_id: str) -> str:
    """Return the shopper key of a known user."""
    return f"u:{user_id}"


def anonymous_key(anonymous_id: str) -> str:
    """Return the shopper key of a visitor who has not logged in."""
    return f"a:{anonymous_id}"


def session_key(session_id: str) -> str:
    """Return the shopper key of a session that names nobody."""
    return f"s:{session_id}"


def recent_list(environment_id: int, shopper_key: str) -> str:
    """Return the Redis key of a shopper's list, newest entry first."""
    return f"sw:{environment_id}:recent:{shopper_key}"


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
