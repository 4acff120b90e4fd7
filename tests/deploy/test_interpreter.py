from __future__ import annotations

import ast
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import interpreter
from deploy.interpreter import Interpreter, NotReady, choose_interpreter, lack_of, probe

LINUX_312 = Interpreter(
    executable="/usr/bin/python3.12",
    version="3.12",
    release="3.12.1",
    platform="linux",
    machine="x86_64",
    is_plain=True,
    is_musl=False,
    has_venv=True,
    has_headers=False,
    compiler="no-such-compiler",
)


def like(**differences: object) -> Interpreter:
    return dataclasses.replace(LINUX_312, **differences)  # type: ignore[arg-type]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Leave nothing on PATH but fake commands: Pythons that describe themselves, or a failure."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python-that-runs-us"))

    def add(name: str, python: Interpreter | None) -> None:
        described = json.dumps(dataclasses.asdict(python)) if python else ""
        command = tmp_path / name
        command.write_text(f"#!/bin/sh\necho '{described}'\nexit {0 if python else 127}\n")
        command.chmod(0o755)

    return add


@pytest.mark.parametrize(
    ("version", "platform", "machine", "has_wheel"),
    [
        ("3.11", "linux", "x86_64", False),
        ("3.12", "linux", "x86_64", True),
        ("3.13", "linux", "x86_64", True),
        ("3.12", "linux", "aarch64", False),
        ("3.12", "darwin", "arm64", True),
        ("3.13", "darwin", "arm64", False),
    ],
)
def test_lightfm_wheels_exist_for_some_platforms(
    *, version: str, platform: str, machine: str, has_wheel: bool
) -> None:
    python = like(version=version, platform=platform, machine=machine)

    assert python.has_lightfm_wheel is has_wheel


def test_no_wheel_fits_a_system_without_glibc() -> None:
    assert not like(is_musl=True).has_lightfm_wheel


def test_a_python_with_a_wheel_needs_no_compiler() -> None:
    assert lack_of(LINUX_312, goal="demo") is None


def test_a_missing_compiler_is_one_line_with_the_way_out() -> None:
    assert lack_of(like(version="3.11"), goal="demo") == (
        "lightfm-next has no ready-made wheel for Python 3.11 on linux-x86_64 and no C compiler "
        "was found. Either install python3.12, or run: apt install build-essential python3-dev "
        "(macOS: xcode-select --install). Then run make demo again."
    )


def test_missing_headers_are_named_too() -> None:
    lack = lack_of(like(version="3.11", compiler="sh"), goal="demo")

    assert lack is not None
    assert "no Python.h was found" in lack


def test_a_python_without_venv_names_the_package_to_install(install: Callable[..., None]) -> None:
    lack = lack_of(like(version="3.99", has_venv=False), goal="test")

    assert lack is not None
    assert "apt install python3.99-venv. Then run make test again." in lack


def test_uv_does_without_the_venv_module(install: Callable[..., None]) -> None:
    install("uv", None)

    assert lack_of(like(has_venv=False), goal="demo") is None


def test_python_312_is_preferred(install: Callable[..., None]) -> None:
    for version in ("3.11", "3.12", "3.13"):
        install(f"python{version}", like(version=version))

    assert choose_interpreter(wanted="", goal="demo").version == "3.12"


def test_a_shim_that_does_not_run_is_passed_over(install: Callable[..., None]) -> None:
    install("python3.12", None)
    install("python3.13", like(version="3.13"))

    assert choose_interpreter(wanted="", goal="demo").version == "3.13"


def test_a_complete_python_goes_before_a_preferred_one_that_lacks_something(
    install: Callable[..., None],
) -> None:
    install("python3.12", like(has_venv=False))
    install("python3.13", like(version="3.13"))

    assert choose_interpreter(wanted="", goal="demo").version == "3.13"


def test_the_python_that_was_asked_for_is_taken(install: Callable[..., None]) -> None:
    install("python3.12", LINUX_312)
    install("mine", like(version="3.13"))

    assert choose_interpreter(wanted="mine", goal="demo").version == "3.13"


@pytest.mark.parametrize("other", [{"version": "3.14"}, {"version": "3.12", "is_plain": False}])
def test_an_unsupported_python_is_named_in_one_line(
    install: Callable[..., None], other: dict[str, object]
) -> None:
    install("python3", like(release="3.x", executable="/opt/python", **other))

    with pytest.raises(NotReady) as raised:
        choose_interpreter(wanted="", goal="demo")
    assert str(raised.value) == (
        "Shelfwise needs Python 3.11, 3.12 or 3.13; found 3.x (/opt/python). "
        "Install python3.12, or name one: make demo PYTHON=/path/to/python3.12"
    )


def test_this_very_python_can_be_probed() -> None:
    python = probe(sys.executable)

    assert python is not None
    assert python.is_supported
    assert python.version == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_a_missing_command_is_no_python() -> None:
    assert probe("/nonexistent/python3.12") is None


@pytest.mark.parametrize("name", ["run.py", "interpreter.py", "environment.py"])
def test_the_entry_reads_on_python_38(name: str) -> None:
    source = Path(interpreter.__file__).with_name(name).read_text()

    assert ast.parse(source, feature_version=(3, 8)).body
