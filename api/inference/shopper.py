"""Finds out whom a call is for and what Redis knows of the shopper; waits where a call asks to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from api.inference.answers import WatermarkState
from api.inference.erasures import Trace
from api.inference.identities import Identities
from api.inference.recent_events import RecentEvents, Recents
from api.inference.requests import Common
from saas.lib.errors import InvalidParameter

MAX_WAIT_SECONDS = 1.0
_PAUSE_SECONDS = 0.02


class Shopper(NamedTuple):
    """Whom a call is for: what to look at, and the last seconds of it."""

    traces: Sequence[Trace] = ()
    recents: Recents = Recents()


# What came of the call's `min_watermark`, where it had one.
State = WatermarkState | UnsetType


async def find_shopper(
    request: Common, *, environment_id: int, identities: Identities, recent_events: RecentEvents
) -> tuple[Shopper, State]:
    """Return the shopper in one round trip to Redis; in two for a merge of a moment ago."""
    traces = identities.traces(user_id=request.user_id, anonymous_id=request.anonymous_id)
    recents = await recent_events.read(
        environment_id,
        traces=traces,
        session_id=request.session_id,
        user_id=request.user_id,
        anonymous_id=request.anonymous_id,
    )
    if not identities.has_news(recents.links):
        return Shopper(traces, recents), UNSET
    traces = identities.traces(
        user_id=request.user_id, anonymous_id=request.anonymous_id, told=recents.links
    )
    recents = await recent_events.read(environment_id, traces=traces, session_id=request.session_id)
    return Shopper(traces, recents), UNSET


async def find_shopper_since(
    request: Common, *, environment_id: int, identities: Identities, recent_events: RecentEvents
) -> tuple[Shopper, State]:
    """Return the shopper once Redis has what `min_watermark` names, or after a second without.

    Raises
    ------
    InvalidParameter
        `min_watermark` is no watermark.
    """
    wanted = _read_watermark(request.min_watermark or "")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + MAX_WAIT_SECONDS
    while True:
        shopper, _ = await find_shopper(
            request,
            environment_id=environment_id,
            identities=identities,
            recent_events=recent_events,
        )
        state = _state(wanted, shopper.recents)
        if state != "not_reached" or loop.time() >= deadline:
            return shopper, state
        await asyncio.sleep(_PAUSE_SECONDS)


def _state(wanted: tuple[str, int], recents: Recents) -> WatermarkState:
    """Say how far Redis is; what it has lost will not come."""
    if not recents.is_read:
        return "not_reached"
    if recents.watermark is None:
        return "lost"
    epoch, n = _read_watermark(recents.watermark)
    if epoch != wanted[0]:
        return "lost"
    return "reached" if n >= wanted[1] else "not_reached"


def _read_watermark(text: str) -> tuple[str, int]:
    epoch, _, n = text.rpartition("-")
    if not epoch or not (n.isascii() and n.isdigit()) or len(n) > 18:
        raise InvalidParameter(
            "'min_watermark' is no watermark; send the 'watermark' of an answer of "
            "POST /v1/events as it came.",
            pointer="/min_watermark",
        )
    return epoch, int(n)
