"""Reads the next part of a file while PostgreSQL takes the one before it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# At the default of 5 ms the main thread waits as long for its turn after each answer of
# PostgreSQL, which then has nothing to do.
_TURN_SECONDS = 0.0005
# A part is tens of thousands of objects and no cycle: at the default of 700 the collector went
# through all of them time and again, for nearly half of an import's processor time (measured).
_COLLECTED_AFTER = 50_000


def read_ahead(parts: Iterable[T]) -> Generator[T]:
    """Yield the parts, each made in a thread while its predecessor is in use; one, never more.

    >>> list(read_ahead("abc"))
    ['a', 'b', 'c']
    """
    source = iter(parts)
    turn_seconds, (collected_after, *others) = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(_TURN_SECONDS)
    gc.set_threshold(_COLLECTED_AFTER, *others)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
            coming = thread.submit(next, source, None)
            while (part := coming.result()) is not None:
                coming = thread.submit(next, source, None)
                yield part
    finally:
        sys.setswitchinterval(turn_seconds)
        gc.set_threshold(collected_after, *others)
