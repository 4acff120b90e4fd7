from __future__ import annotations

import ctypes
import shutil
import sys
from pathlib import Path

import pytest

from deploy.interpreter import find_compiler, probe
from engine.core import kernel_library
from engine.core.kernel_library import build_library, library_path

COMPILER = find_compiler(probe(sys.executable))


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    folder = tmp_path / "with a space"
    (folder / "lib").mkdir(parents=True)
    return folder


@pytest.mark.skipif(COMPILER is None, reason="There is no C compiler.")
def test_a_library_is_built_for_each_source_and_replaces_the_one_before(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert COMPILER is not None
    assert build_library(COMPILER, environment=environment) is None
    first = library_path(environment)
    assert hasattr(ctypes.CDLL(str(first)), "shelfwise_best")

    source = tmp_path / "kernel.c"
    shutil.copy(kernel_library.SOURCE, source)
    source.write_text(source.read_text() + "\n/* changed */\n")
    monkeypatch.setattr(kernel_library, "SOURCE", source)
    assert not library_path(environment).exists()
    assert build_library(COMPILER, environment=environment) is None
    assert [*(environment / "lib").iterdir()] == [library_path(environment)] != [first]


def test_a_compiler_that_fails_or_is_not_there_leaves_nothing_and_says_why(
    environment: Path,
) -> None:
    assert build_library("false", environment=environment) == ""
    assert "no-such-cc" in str(build_library("no-such-cc", environment=environment))
    assert not [*(environment / "lib").iterdir()]
    # Somebody else's environment, or none.
    assert "nowhere" in str(build_library("cc", environment=environment / "nowhere"))
