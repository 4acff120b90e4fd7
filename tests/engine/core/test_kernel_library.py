from __future__ import annotations

import ctypes
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


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source that is compiled at once."""
    source = tmp_path / "kernel.c"
    monkeypatch.setattr(kernel_library, "SOURCE", source)
    source.write_text('__attribute__((visibility("default"))) int answer(void) { return 41; }')
    return source


@pytest.mark.skipif(COMPILER is None, reason="There is no C compiler.")
def test_a_library_is_built_for_each_source_and_replaces_the_one_before(
    environment: Path, source: Path
) -> None:
    assert COMPILER is not None
    assert build_library(COMPILER, environment=environment) is None
    first = library_path(environment)
    assert ctypes.CDLL(str(first)).answer() == 41

    source.write_text(source.read_text().replace("41", "42"))
    assert not library_path(environment).exists()
    assert build_library(COMPILER, environment=environment) is None
    assert [*(environment / "lib").iterdir()] == [library_path(environment)] != [first]
    assert ctypes.CDLL(str(library_path(environment))).answer() == 42


@pytest.mark.skipif(COMPILER is None, reason="There is no C compiler.")
def test_a_source_that_does_not_compile_leaves_nothing_and_says_why(
    environment: Path, source: Path
) -> None:
    assert COMPILER is not None
    source.write_text("no C at all")
    assert "kernel.c" in str(build_library(COMPILER, environment=environment))
    assert not [*(environment / "lib").iterdir()]


def test_a_compiler_that_is_not_there_and_an_environment_that_is_not_ours_say_so(
    environment: Path,
) -> None:
    assert "no-such-cc" in str(build_library("no-such-cc", environment=environment))
    assert "nowhere" in str(build_library("cc", environment=environment / "nowhere"))
    assert not [*(environment / "lib").iterdir()]
