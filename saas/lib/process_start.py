"""How each process imports what it needs: first of all, and cheaply."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# What libraries import only because it is installed: structlog for coloured logs on a terminal, and
# Django REST Framework for its test client. Ours are JSON, and the demo imports its rich itself.
_UNUSED = ("rich", "requests")


@contextmanager
def starting() -> Iterator[None]:
    """Import and set up inside this block; a process starts with two thirds of the CPU time.

    What a start makes stays, yet the garbage collector would look at it again and again; after the
    block it never does, which also lets the children of a worker share these pages. A None in
    `sys.modules` is Python's documented way to make an import fail, and the libraries do without.
    """
    unused = [name for name in _UNUSED if name not in sys.modules]
    gc.disable()
    sys.modules.update(dict.fromkeys(unused))  # type: ignore[arg-type]  # None is documented
    try:
        yield
    finally:
        for name in unused:
            del sys.modules[name]
        gc.freeze()
        gc.enable()
