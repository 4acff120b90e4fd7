"""How each process imports what it needs: first of all, and cheaply."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# What structlog imports only because it is installed, for coloured logs on a terminal: ours are
# JSON. The demo, which shows its steps with it, has imported it before.
_UNUSED = "rich"


@contextmanager
def starting() -> Iterator[None]:
    """Import and set up inside this block; a process starts with two thirds of the CPU time.

    What a start makes stays, yet the garbage collector would look at it again and again; after the
    block it never does, which also lets the children of a worker share these pages. A None in
    `sys.modules` is Python's documented way to make an import fail, and structlog does without.
    """
    is_used = _UNUSED in sys.modules
    gc.disable()
    if not is_used:
        sys.modules[_UNUSED] = None  # type: ignore[assignment]  # see the import system's reference
    try:
        yield
    finally:
        if not is_used:
            del sys.modules[_UNUSED]
        gc.freeze()
        gc.enable()
