"""Where the time of a call goes, for the log of slow calls."""

from __future__ import annotations

import time


class Stopwatch:
    """Runs from its making; each mark ends a part.

    Attributes
    ----------
    started
        By `time.perf_counter`.
    """

    __slots__ = ("_marks", "started")

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self._marks: list[tuple[str, float]] = []

    def mark(self, part: str) -> None:
        """End a part; one that comes again adds up."""
        self._marks.append((part, time.perf_counter()))

    def seconds(self) -> float:
        """Return the time so far."""
        return time.perf_counter() - self.started

    def milliseconds_by_part(self) -> dict[str, float]:
        """Return what each part took."""
        parts: dict[str, float] = {}
        before = self.started
        for part, at in self._marks:
            parts[part] = round(parts.get(part, 0.0) + (at - before) * 1000, 3)
            before = at
        return parts
