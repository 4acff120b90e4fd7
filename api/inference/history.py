"""What a shopper did: the model's memory and the last seconds from Redis, merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from api.inference.erasures import Trace
from api.inference.recent_events import Recents
from api.inference.shelf import Shelf
from engine.core.artifact import Artifact
from engine.core.dataset import EVENT_WEIGHTS

LOOKING = frozenset({"view", "click"})
_DAY_SECONDS = 86_400


class History(NamedTuple):
    """A shopper as ranking sees one, by the model's item rows: what speaks for the taste.

    Attributes
    ----------
    rows : int32[n]
    weights : float32[n]
        Above 0.
    age_days : float64[n]
        Counted back from the model's newest time, so that imported history is as fresh as it was;
        what came later has the age 0.
    purchased : set of int
        Everything that was bought and not given back.
    """

    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    age_days: NDArray[np.float64]
    purchased: set[int]


class _Memory(NamedTuple):
    """What was done with each item in all (float32), and when last (epoch seconds)."""

    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    seconds: NDArray[np.float64]

    def only(self, wanted: Sequence[bool] | NDArray[np.bool_]) -> _Memory:
        """Return some of it."""
        return _Memory(self.rows[wanted], self.weights[wanted], self.seconds[wanted])


_NO_HISTORY = History(
    np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float64), purchased=set()
)
# An item's row, what was done with it, and when (epoch seconds).
_News = tuple[int, str, float]


def merge_history(
    shelf: Shelf,
    *,
    traces: Sequence[Trace],
    recents: Recents,
    session_rows: Sequence[int],
) -> History:
    """Return the shopper's history as the model and Redis tell it.

    A recent event that the model has learned already (it is not newer than the shopper's last one
    there) counts once.
    """
    if shelf.model is None:
        return _NO_HISTORY
    artifact = shelf.model.artifact
    known = _known(artifact, traces)
    purchased: set[int] = set()
    for trace, user in known:
        # A visitor whom the model knows by name was nobody yet when it was trained.
        if trace.owns_purchases(change_seq=artifact.change_seq):
            purchased.update(artifact.purchases.of(user).tolist())
    memory = _learned(artifact, known)
    news = _news(shelf, recents, memory)
    for row, type_, _ in news:
        if type_ == "purchase":
            purchased.add(row)
        elif type_ == "refund":
            purchased.discard(row)
    if news or session_rows:
        # A session that the caller names itself is looking at items, no more.
        session = [(row, "view", float(artifact.newest_seconds)) for row in session_rows]
        memory = _with_news(memory, [*news, *session])
    age_days = np.maximum(0, artifact.newest_seconds - memory.seconds) / _DAY_SECONDS
    return History(memory.rows, memory.weights, age_days, purchased)


def looked_at(shelf: Shelf, *, traces: Sequence[Trace], recents: Recents) -> dict[int, float]:
    """Return when the shopper last looked at each of the model's items, in epoch seconds."""
    if shelf.model is None:
        return {}
    artifact = shelf.model.artifact
    memory = _learned(artifact, _known(artifact, traces))
    seen_at = dict(zip(memory.rows.tolist(), memory.seconds.tolist(), strict=True))
    seen_at.update(
        (row, at) for row, type_, at in _news(shelf, recents, memory) if type_ in LOOKING
    )
    return seen_at


def _known(artifact: Artifact, traces: Sequence[Trace]) -> list[tuple[Trace, int]]:
    users = [(trace, artifact.user_keys.find(trace.key)) for trace in traces]
    return [(trace, user) for trace, user in users if user is not None]


def _learned(artifact: Artifact, known: Sequence[tuple[Trace, int]]) -> _Memory:
    """Return what the model remembers of what was done within the traces."""
    histories = artifact.histories
    memories = []
    for trace, user in known:
        span = slice(histories.indptr[user], histories.indptr[user + 1])
        seconds = histories.seconds[span].astype(np.float64)
        memory = _Memory(histories.rows[span], histories.weights[span], seconds)
        if not trace.is_whole:
            is_held = [trace.holds(at * 1000) for at in seconds.tolist()]
            memory = memory.only(is_held)
        memories.append(memory)
    if len(memories) == 1:
        return memories[0]
    return _summed([entry for each in memories for entry in _entries(each)])


def _news(shelf: Shelf, recents: Recents, memory: _Memory) -> list[_News]:
    """Return what was done since, earliest first, with what the model knows."""
    if not recents.events:
        return []
    learned_until = memory.seconds.max(initial=0.0)
    return [
        (row, event.type, event.epoch_ms / 1000)
        for event in reversed(recents.events)
        # The model counts whole seconds.
        if event.epoch_ms // 1000 > learned_until
        for row in (shelf.find(event.item_id) or ())[:1]
    ]


def _with_news(memory: _Memory, news: Sequence[_News]) -> _Memory:
    later = [(row, EVENT_WEIGHTS.get(type_, 0.0), at) for row, type_, at in news]
    summed = _summed([*_entries(memory), *later])
    return summed.only(summed.weights > 0)


def _entries(memory: _Memory) -> Iterator[tuple[int, float, float]]:
    rows, weights, seconds = (column.tolist() for column in memory)
    return zip(rows, weights, seconds, strict=True)


def _summed(entries: Sequence[tuple[int, float, float]]) -> _Memory:
    """Return one entry for each row: the sum of its weights and its latest time."""
    weights: dict[int, float] = {}
    seconds: dict[int, float] = {}
    for row, weight, at in entries:
        weights[row] = weights.get(row, 0.0) + weight
        seconds[row] = max(seconds.get(row, 0.0), at)
    return _Memory(
        np.array(list(weights), dtype=np.int32),
        np.array(list(weights.values()), dtype=np.float32),
        np.array(list(seconds.values()), dtype=np.float64),
    )
