"""Reading ahead leaves the interpreter as it found it, however it ends."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from engine.files.read_ahead import read_ahead


def broken() -> Iterator[int]:
    yield 1
    raise ValueError


@pytest.mark.parametrize("parts", [lambda: iter([1, 2, 3]), broken])
def test_the_interpreter_is_as_before(parts: Callable[[], Iterator[int]]) -> None:
    before = gc.get_threshold(), sys.getswitchinterval()
    coming = read_ahead(parts())
    next(coming)
    assert gc.get_threshold()[0] > before[0][0]
    with suppress(ValueError):
        list(coming)
    assert (gc.get_threshold(), sys.getswitchinterval()) == before
