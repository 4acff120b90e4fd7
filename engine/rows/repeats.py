"""Counts equal events of one file, so that each keeps its own name wherever the file is cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.rows.event_batch import EventBatch
from engine.rows.event_key import event_key_of, nth_key

Heads = NDArray[np.uint64]
# Longer runs are not joined: joining takes as much memory again as the run.
_MAX_JOINED = 2**20


class Repeats:
    """Remembers the digests of a file in eight bytes each: 40 MB for the largest.

    Two of five million agree in these with a probability of one in a million; the same file still
    gets the same names each time.
    """

    def __init__(self) -> None:
        # Sorted, so few that all are searched for each batch.
        self._runs: list[Heads] = []

    def count(self, digests: Sequence[bytes]) -> list[int]:
        """Return how often each digest came before, and remember it.

        >>> repeats = Repeats()
        >>> repeats.count([b"a" * 16, b"b" * 16, b"a" * 16]), repeats.count([b"a" * 16])
        ([0, 0, 1], [2])
        """
        heads = np.frombuffer(b"".join(digests), dtype="<u8")[::2]
        order = np.argsort(heads, kind="stable")
        ordered = heads[order]
        counts = np.arange(ordered.size) - np.searchsorted(ordered, ordered)
        for run in self._runs:
            counts += np.searchsorted(run, ordered, "right") - np.searchsorted(run, ordered)
        self._remember(ordered)
        in_turn = np.empty_like(counts)
        in_turn[order] = counts
        found: list[int] = in_turn.tolist()
        return found

    def _remember(self, run: Heads) -> None:
        while self._runs and self._runs[-1].size <= min(2 * run.size, _MAX_JOINED):
            run = np.concatenate([self._runs.pop(), run])
            run.sort()
        self._runs.append(run)

    def skip(self, rows: Sequence[dict[str, object]]) -> None:
        """Remember rows that were taken in before the file was opened again."""
        self.count(
            [
                event_key_of(row, event_id=None, has_time=True)[1]
                for row in rows
                if row.get("event_id") is None and row.get("ts") is not None
            ]
        )

    def name(self, batch: EventBatch) -> None:
        """Give the events without an id their names in the whole file instead of in the batch."""
        unnamed = [
            row
            for row in batch.rows.values()
            if "event_id" not in row.values and "ts" in row.values
        ]
        counts = self.count([row.digest for row in unnamed])
        if any(counts):
            for row, count in zip(unnamed, counts, strict=True):
                row.key = nth_key(row.digest, count)
            batch.rows = {row.key: row for row in batch.rows.values()}
