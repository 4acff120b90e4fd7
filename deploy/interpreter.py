"""Finds a Python that can carry Shelfwise, before anything is downloaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

SUPPORTED = ("3.12", "3.13", "3.11")
# The platforms of lightfm-next 1.19.0's wheels; elsewhere pip compiles it.
LIGHTFM_WHEELS = {
    ("linux", "x86_64"): ("3.12", "3.13"),
    ("darwin", "arm64"): ("3.12",),
    ("darwin", "x86_64"): ("3.12",),
}
PROBE = """
import importlib.util, json, os, platform, sys, sysconfig
include = sysconfig.get_paths()["include"]
print(json.dumps({
    "executable": sys.executable,
    "version": "%d.%d" % sys.version_info[:2],
    "release": platform.python_version(),
    "platform": sys.platform,
    "machine": platform.machine(),
    "is_plain": platform.python_implementation() == "CPython"
        and not sysconfig.get_config_var("Py_GIL_DISABLED"),
    "is_musl": sys.platform == "linux" and platform.libc_ver()[0] != "glibc",
    "has_venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
    "has_headers": os.path.exists(os.path.join(include, "Python.h")),
    "compiler": (sysconfig.get_config_var("CC") or "cc").split()[0],
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """What a Python says about itself."""

    executable: str
    version: str
    release: str
    platform: str
    machine: str
    is_plain: bool
    is_musl: bool
    has_venv: bool
    has_headers: bool
    compiler: str

    @property
    def is_supported(self) -> bool:
        """Tell whether the locked packages have wheels for this version and kind of Python."""
        return self.version in SUPPORTED and self.is_plain

    @property
    def has_lightfm_wheel(self) -> bool:
        """Tell whether lightfm-next installs without a compiler."""
        versions = LIGHTFM_WHEELS.get((self.platform, self.machine), ())
        return self.version in versions and not self.is_musl


class NotReady(Exception):
    """Something is missing on this machine; the message is one line that names the fix."""


def probe(command: str) -> Interpreter | None:
    """Ask a Python about itself; None when it does not really run, as a pyenv shim may not."""
    try:
        answer = subprocess.run(
            [command, "-I", "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return Interpreter(**json.loads(answer.stdout)) if answer.returncode == 0 else None
    except (OSError, ValueError):
        return None


def choose_interpreter(*, wanted: str, goal: str) -> Interpreter:
    """Return the first Python that can carry Shelfwise: ``wanted`` alone when it is given.

    Raises
    ------
    NotReady
        Names what the most suitable Python lacks; ``goal`` is the make target to repeat.
    """
    names = [wanted] if wanted else [f"python{v}" for v in SUPPORTED] + [sys.executable, "python3"]
    found = [each for each in map(probe, names) if each]
    supported = [each for each in found if each.is_supported]
    if not supported:
        seen = ", ".join(sorted({f"{each.release} ({each.executable})" for each in found}))
        raise NotReady(
            f"Shelfwise needs Python 3.11, 3.12 or 3.13; found {seen or 'none'}. "
            f"Install python3.12, or name one: make {goal} PYTHON=/path/to/python3.12"
        )
    lacks = [lack_of(each, goal=goal) for each in supported]
    if None in lacks:
        return supported[lacks.index(None)]
    raise NotReady(lacks[0])


def lack_of(python: Interpreter, *, goal: str) -> str | None:
    """Name what ``python`` lacks and the fix in one line; None when it has everything."""
    return _lack_of_venv(python, goal=goal) or lack_of_compiler(python, goal=goal)


def find_compiler(python: Interpreter | None) -> str | None:
    """Return the command of a C compiler, None where there is none."""
    if sys.platform == "darwin":
        return "cc" if _has_developer_tools() else None
    names = [os.environ.get("CC"), python.compiler if python else None, "cc", "gcc", "clang"]
    return next((name for name in names if name and shutil.which(name.split()[0])), None)


def lack_of_compiler(python: Interpreter, *, goal: str) -> str | None:
    """Name what is missing to build lightfm-next; None when there is a wheel or a compiler."""
    has_compiler = bool(shutil.which(os.environ.get("CC", python.compiler)))
    if python.platform == "darwin":
        has_compiler = _has_developer_tools()
    if python.has_lightfm_wheel or (has_compiler and python.has_headers):
        return None
    missing = "no C compiler" if not has_compiler else "no Python.h"
    where = f"{python.platform}-{python.machine}"
    return (
        f"lightfm-next has no ready-made wheel for Python {python.version} on {where} "
        f"and {missing} was found. Either install python3.12, or run: "
        "apt install build-essential python3-dev (macOS: xcode-select --install). "
        f"Then run make {goal} again."
    )


def _has_developer_tools() -> bool:
    # macOS has a /usr/bin/cc without the tools, too; it only opens a dialog.
    return subprocess.run(["xcode-select", "-p"], stdout=subprocess.DEVNULL).returncode == 0


def _lack_of_venv(python: Interpreter, *, goal: str) -> str | None:
    if python.has_venv or shutil.which("uv"):
        return None
    is_default = probe("/usr/bin/python3")
    name = (
        "python3"
        if is_default and is_default.version == python.version
        else f"python{python.version}"
    )
    return (
        f"Python {python.release} ({python.executable}) cannot make virtual environments. "
        f"Run: apt install {name}-venv. Then run make {goal} again."
    )
