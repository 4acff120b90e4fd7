"""The last seconds of a shopper's behaviour, read from Redis in one round trip.

Redis is never waited for long: without it a call is answered from the model's memory alone, and
`freshness` says so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import hiredis
import orjson
import structlog

from api.inference import metrics
from api.inference.erasures import Trace
from api.inference.link_table import Link
from api.inference.redis_pipe import Command, RedisPipe
from saas.lib.recent_events import (
    RecentEvent,
    identity_key,
    recent_list,
    session_key,
    unpack,
    unpack_identity,
    visitors_hash,
    watermark_hash,
)

TIMEOUT_SECONDS = 0.05
# After a failure nobody asks for this long, so that a dead Redis costs one call a second 50 ms.
REST_SECONDS = 1.0

_log = structlog.get_logger()


class Recents(NamedTuple):
    """What Redis knows of a shopper.

    Attributes
    ----------
    watermark
        None where there is none yet, or Redis could not be asked.
    links
        By visitor, who it has turned out to be lately.
    """

    events: tuple[RecentEvent, ...] = ()
    watermark: str | None = None
    links: Mapping[str, Link] = MappingProxyType({})
    is_read: bool = False


class RecentEvents:
    """The recent-event lists in Redis, with a limit on what asking may cost."""

    def __init__(self, redis: RedisPipe) -> None:
        self._redis = redis
        self._rests_until = 0.0

    async def read(
        self,
        environment_id: int,
        *,
        traces: Sequence[Trace],
        session_id: str | None,
        user_id: str | None = None,
        anonymous_id: str | None = None,
    ) -> Recents:
        """Return the shopper's recent events, newest first, and the watermark: one round trip.

        Parameters
        ----------
        user_id, anonymous_id
            Whose links are wanted, too.
        """
        if time.monotonic() < self._rests_until:
            metrics.RECENT_EVENTS_FAILURES.inc()
            return Recents()
        if session_id is not None:
            traces = [*traces, Trace(session_key(session_id))]
        lists = [recent_list(environment_id, trace.key) for trace in traces]
        commands: list[Command] = [
            ("HMGET", watermark_hash(environment_id), "epoch", "n"),
            *(("LRANGE", name, 0, -1) for name in lists),
        ]
        if user_id is not None:
            commands.append(("HGETALL", visitors_hash(environment_id, user_id)))
        if anonymous_id is not None:
            commands.append(("GET", identity_key(environment_id, anonymous_id)))
        try:
            (epoch, n), *answers = await self._redis.ask(commands)
        except (hiredis.ReplyError, OSError, TimeoutError) as error:
            self._redis.drop()
            self._rests_until = time.monotonic() + REST_SECONDS
            metrics.RECENT_EVENTS_FAILURES.inc()
            _log.warning("recent_events_unread", error=type(error).__name__)
            return Recents()
        return Recents(
            events=_merged(traces, answers[: len(traces)]),
            watermark=_watermark(epoch, n),
            links=_links(answers[len(traces) :], user_id=user_id, anonymous_id=anonymous_id),
            is_read=True,
        )

    def close(self) -> None:
        """Give up the connection."""
        self._redis.drop()


def _watermark(epoch: bytes | None, n: bytes | None) -> str | None:
    return f"{epoch.decode()}-{n.decode()}" if epoch is not None and n is not None else None


def _links(
    answers: Sequence[Any], *, user_id: str | None, anonymous_id: str | None
) -> dict[str, Link]:
    links: dict[str, Link] = {}
    if user_id is not None:
        names, times = answers[0][::2], answers[0][1::2]
        for name, since_ms in zip(names, times, strict=True):
            links[name.decode()] = Link(since_ms=int(since_ms), user_id=user_id)
    if anonymous_id is not None and answers[-1] is not None:
        owner, since_ms = unpack_identity(answers[-1])
        # The later of two: who the visitor is now.
        links[anonymous_id] = Link(since_ms=since_ms, user_id=owner)
    return links


def _merged(traces: Sequence[Trace], lists: Sequence[Sequence[bytes]]) -> tuple[RecentEvent, ...]:
    if not any(lists):
        return ()
    # The same event may stand in the list of its shopper and in that of its session.
    events = set()
    for trace, entries in zip(traces, lists, strict=True):
        for entry in entries:
            try:
                event = unpack(entry)
            except (orjson.JSONDecodeError, ValueError, TypeError):
                continue
            if trace.holds(event.epoch_ms):
                events.add(event)
    return tuple(sorted(events, key=lambda event: event.epoch_ms, reverse=True))
