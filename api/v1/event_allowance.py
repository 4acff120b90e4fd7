"""Holds a store to the events that its plan takes in a day; imports of its past are not counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from redis.exceptions import RedisError

from api.v1.authentication import Caller
from saas.lib.errors import RateLimited
from saas.lib.redis_client import redis_client

_KEPT_SECONDS = 2 * 24 * 3600


def take_events(caller: Caller, *, count: int) -> None:
    """Count events of a request; the batch that reaches the limit is still taken.

    The counter is Valkey's: with it away, nothing is refused.

    Raises
    ------
    RateLimited
        The day's events are used up.
    """
    limit = caller.entitlement.events_per_day
    if limit is None:
        return
    now = timezone.now().astimezone(UTC)
    key = f"sw:{caller.environment.pk}:events:{now:%Y%m%d}"
    try:
        pipe = redis_client().pipeline(transaction=False)
        pipe.incrby(key, count)
        pipe.expire(key, _KEPT_SECONDS)
        used = int(pipe.execute()[0])
    except RedisError:
        return
    if used - count < limit:
        return
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    seconds = max(1, round((midnight - now).total_seconds()))
    raise RateLimited(
        f"Your plan takes {limit} events a day (UTC), and they are there; go on in {seconds} s, "
        "or change to a larger plan.",
        headers={"Retry-After": str(seconds)},
    )
