"""How many events came in each minute and what became of them: counted in Redis, for a few hours.

Ingestion counts in the round trip by which it tells serving. Requests that were refused before
their events were read (a bad key, malformed JSON, a limit) are not events, and imports are not
counted either. The numbers are lost with Redis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError

from saas.lib.redis_client import redis_client

MINUTES = 60
# The hour that is shown lies in two hours' counters.
KEPT_SECONDS = 3 * 3600
ACCEPTED, DUPLICATES, REJECTED = "accepted", "duplicates", "rejected"
_BETWEEN = ":"


@dataclass(frozen=True, slots=True)
class Minute:
    """What became of the events of a minute."""

    at: datetime
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why events were rejected, how many, and what was said of the newest of them."""

    code: str
    count: int
    detail: str


@dataclass(frozen=True, slots=True)
class Intake:
    """The last hour, oldest minute first; the commonest reason first."""

    minutes: Sequence[Minute]
    reasons: Sequence[Reason]


def intake_key(environment_id: int, at: datetime) -> str:
    """Return the key of the hash that counts an hour's events by minute and outcome."""
    return f"sw:{environment_id}:intake:{int(at.timestamp()) // 3600}"


def reasons_key(environment_id: int) -> str:
    """Return the key of the hash of what was said of the newest rejected event, by code."""
    return f"sw:{environment_id}:rejections"


def intake_field(at: datetime, outcome: str, code: str = "") -> str:
    """Return the field of an hour's hash.

    >>> intake_field(datetime(2026, 5, 1, 12, 7, tzinfo=UTC), REJECTED, "missing_field")
    '07:rejected:missing_field'
    """
    return f"{at.minute:02}{_BETWEEN}{outcome}{_BETWEEN}{code}"


def intake(environment_id: int, *, now: datetime) -> Intake | None:
    """Return what came in the last hour; None while Redis is away."""
    now = now.astimezone(UTC)
    hours = [now - timedelta(hours=1), now]
    try:
        pipe = redis_client().pipeline(transaction=False)
        for hour in hours:
            pipe.hgetall(intake_key(environment_id, hour))
        pipe.hgetall(reasons_key(environment_id))
        *counted, details = pipe.execute()
    except RedisError:
        return None
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)
    by_minute: dict[datetime, dict[str, int]] = {}
    codes: dict[str, int] = {}
    for hour, counters in zip(hours, counted, strict=True):
        for field, value in counters.items():
            minute, outcome, code = field.decode().split(_BETWEEN, 2)
            at = hour.replace(minute=int(minute), second=0, microsecond=0)
            if at < first:
                continue
            outcomes = by_minute.setdefault(at, {})
            outcomes[outcome] = outcomes.get(outcome, 0) + int(value)
            if code:
                codes[code] = codes.get(code, 0) + int(value)
    minutes = [first + timedelta(minutes=each) for each in range(MINUTES)]
    return Intake(
        minutes=[Minute(at, **by_minute.get(at, {})) for at in minutes],
        reasons=_reasons(codes, details),
    )


def _reasons(codes: Mapping[str, int], details: Mapping[bytes, bytes]) -> list[Reason]:
    return [
        Reason(code, count, details.get(code.encode(), b"").decode())
        for code, count in sorted(codes.items(), key=lambda each: (-each[1], each[0]))
    ]
