"""Counts what became of a request's events, by the minute, for the portal: cheap and lossy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import structlog
from redis.exceptions import RedisError

from engine.selectors.intake import (
    ACCEPTED,
    DUPLICATES,
    KEPT_SECONDS,
    REJECTED,
    intake_field,
    intake_key,
    reasons_key,
)
from saas.lib.errors import FieldError
from saas.lib.redis_client import redis_client

log = structlog.get_logger()

_MAX_DETAIL = 300
# The last two KEYS: the hour's counters, the reasons. The last two ARGV: both, packed, and their
# seconds. At the head of the script that publishes events, so that it costs no round trip.
COUNT = """
local told = cmsgpack.unpack(ARGV[#ARGV - 1])
for field, n in pairs(told[1]) do redis.call('HINCRBY', KEYS[#KEYS - 1], field, n) end
redis.call('EXPIRE', KEYS[#KEYS - 1], ARGV[#ARGV])
for code, detail in pairs(told[2]) do
    redis.call('HSET', KEYS[#KEYS], code, detail)
    redis.call('EXPIRE', KEYS[#KEYS], ARGV[#ARGV])
end
"""


class IntakeCount(NamedTuple):
    """The counters of one request, as the script takes them."""

    keys: tuple[str, str]
    arguments: tuple[bytes, int]


def intake_count(
    *,
    environment_id: int,
    received_at: datetime,
    accepted: int,
    duplicates: int,
    errors: Sequence[FieldError],
) -> IntakeCount:
    """Return what to count of a request.

    Parameters
    ----------
    environment_id, received_at
        Whose request, and when it came.
    accepted, duplicates
        How many of its events were new, and were known.
    errors
        Of the others; one that has several counts for its first.
    """
    counts = {}
    if accepted:
        counts[intake_field(received_at, ACCEPTED)] = accepted
    if duplicates:
        counts[intake_field(received_at, DUPLICATES)] = duplicates
    details: dict[str, str] = {}
    if errors:
        for error in {error.index: error for error in reversed(errors)}.values():
            field = intake_field(received_at, REJECTED, error.code)
            counts[field] = counts.get(field, 0) + 1
            details[error.code] = error.detail[:_MAX_DETAIL]
    return IntakeCount(
        keys=(intake_key(environment_id, received_at), reasons_key(environment_id)),
        arguments=(msgspec.msgpack.encode((counts, details)), KEPT_SECONDS),
    )


def count_intake(count: IntakeCount) -> None:
    """Count a request that publishes nothing, because nothing of it was taken."""
    try:
        redis_client().eval(COUNT, len(count.keys), *count.keys, *count.arguments)
    except RedisError as error:
        log.warning("intake_uncounted", error=type(error).__name__)
