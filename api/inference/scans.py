"""Keeps long scans off the event loop: they run in a thread, one at a time, stores in turn.

The kernel and numpy let the event loop run meanwhile, so that a big store's calls do not stop a
small one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from typing_extensions import override

from api.inference.shelf import Shelf
from api.inference.turns import Turns

Result = TypeVar("Result")


class Scans(Turns):
    """The thread, and whose scan is next in it."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scan")

    async def run(self, shelf: Shelf, environment_id: int, decide: Callable[[], Result]) -> Result:
        """Return what is decided from a shelf: here and now, or in the thread if it takes long.

        Raises
        ------
        Overloaded
            Too many long scans of the store, or of all, are waiting already.
        """
        if shelf.model is None or not shelf.model.artifact.is_slow_to_scan:
            return decide()
        await self.wait(environment_id)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, decide)
        finally:
            self._next()

    def close(self) -> None:
        """End the thread after the scan under way."""
        self._thread.shutdown(cancel_futures=True)

    @override
    def _begin(self) -> None:
        """Leave the turn to its scan, which ends it."""
