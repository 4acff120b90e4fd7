"""What a shopper did: the model's memory and the last seconds from Redis, merged.

Redis is asked once for each call and never waited for long: without it a call is answered from
the model's memory alone, and `freshness` says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hiredis
import orjson
import structlog

from api.inference import metrics
from api.inference.erasures import Trace
from api.inference.link_table import Link
from api.inference.redis_pipe import Command, RedisPipe
from api.inference.shelf import Shelf
from engine.core.artifact import Artifact
from engine.core.dataset import EVENT_WEIGHTS
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
_DAY_SECONDS = 86_400
# A session that the caller names itself is looking at items, no more.
_SESSION_WEIGHT = EVENT_WEIGHTS["view"]
LOOKING = frozenset({"view", "click"})

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recents:
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
    links: Mapping[str, Link] = field(default_factory=dict)
    is_read: bool = False


class RecentEvents:
    """The recent-event lists in Redis, with a limit on what asking may cost."""

    def __init__(self, redis_url: str) -> None:
        self._redis = RedisPipe(redis_url)
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
            async with asyncio.timeout(TIMEOUT_SECONDS):
                (epoch, n), *answers = await self._redis.ask(commands)
        except (hiredis.ReplyError, OSError, TimeoutError) as error:
            self._redis.drop()
            self._rests_until = time.monotonic() + REST_SECONDS
            metrics.RECENT_EVENTS_FAILURES.inc()
            _log.warning("recent_events_unread", error=type(error).__name__)
            return Recents()
        return Recents(
            events=_merged(traces, answers),
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
    # The same event may stand in the list of its shopper and in that of its session.
    events = set()
    for trace, entries in zip(traces, lists, strict=False):
        for entry in entries:
            try:
                event = unpack(entry)
            except (orjson.JSONDecodeError, ValueError, TypeError):
                continue
            if trace.holds(event.epoch_ms):
                events.add(event)
    return tuple(sorted(events, key=lambda event: event.epoch_ms, reverse=True))


@dataclass(slots=True)
class History:
    """A shopper as ranking sees one, by the model's item rows.

    Attributes
    ----------
    entries : list of (row, weight, age in days)
        What speaks for the shopper's taste.
    purchased : set of int
        Everything that was bought and not given back.
    looked_at : dict of int to float
        When an item was last looked at, epoch seconds.
    """

    entries: list[tuple[int, float, float]] = field(default_factory=list)
    purchased: set[int] = field(default_factory=set)
    looked_at: dict[int, float] = field(default_factory=dict)


def merge_history(
    shelf: Shelf,
    *,
    traces: Sequence[Trace],
    recents: Recents,
    session_rows: Sequence[int],
) -> History:
    """Return the shopper's history as the model and Redis tell it.

    Ages count back from the model's newest time, so that imported history is as fresh as it was;
    what came later has the age 0. A recent event that the model has learned already (it is not
    newer than the shopper's last one there) counts once.
    """
    history = History()
    if shelf.model is None:
        return history
    artifact = shelf.model.artifact
    for trace in traces:
        # A visitor whom the model knows by name was nobody yet when it was trained.
        if trace.owns_purchases(change_seq=artifact.change_seq):
            history.purchased.update(artifact.purchased(trace.key).tolist())
    weights, seconds = _learned(artifact, traces)
    learned_until = max(seconds.values(), default=0.0)
    history.looked_at.update(seconds)
    for event in reversed(recents.events):
        # The model counts whole seconds.
        if event.epoch_ms // 1000 <= learned_until:
            continue
        at = event.epoch_ms / 1000
        for row in (shelf.find(event.item_id) or ())[:1]:
            _add_event(history, weights, row, event.type)
            seconds[row] = at
            if event.type in LOOKING:
                history.looked_at[row] = at
    for row in session_rows:
        weights[row] = weights.get(row, 0.0) + _SESSION_WEIGHT
        seconds[row] = artifact.newest_seconds
    history.entries = [
        (row, weight, max(0.0, (artifact.newest_seconds - seconds[row]) / _DAY_SECONDS))
        for row, weight in weights.items()
        if weight > 0
    ]
    return history


def _learned(
    artifact: Artifact, traces: Sequence[Trace]
) -> tuple[dict[int, float], dict[int, float]]:
    """Return weights and latest seconds by row, as the model knows them."""
    weights: dict[int, float] = {}
    seconds: dict[int, float] = {}
    for trace in traces:
        for row, weight, learned_at in artifact.history(trace.key):
            if trace.holds(learned_at * 1000):
                weights[row] = weights.get(row, 0.0) + weight
                seconds[row] = max(seconds.get(row, 0.0), learned_at)
    return weights, seconds


def _add_event(history: History, weights: dict[int, float], row: int, type_: str) -> None:
    weight = EVENT_WEIGHTS.get(type_, 0.0)
    if weight:
        weights[row] = weights.get(row, 0.0) + weight
    if type_ == "purchase":
        history.purchased.add(row)
    elif type_ == "refund":
        history.purchased.discard(row)
