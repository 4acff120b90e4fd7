"""Keeps .venv equal to a lock file: made once, redone when an install did not finish."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from deploy.interpreter import (
    Interpreter,
    NotReady,
    choose_interpreter,
    find_compiler,
    lack_of_compiler,
    probe,
)
from engine.core.kernel_library import build_library, library_path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "deploy" / "locks"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# Written last, so that an install that was killed is not taken for a finished one.
STAMP = VENV / "shelfwise-locks.json"
INSTALLING = VENV / "shelfwise-installing"
SHOWN_LINES = 25


def ensure_environment(lock: str, *, goal: str) -> str:
    """Return the path of a Python that has everything in ``lock`` ('runtime' or 'dev')."""
    wanted = os.environ.get("PYTHON", "")
    if not _holds(lock, wanted=wanted):
        with _alone():
            if not _holds(lock, wanted=wanted):
                _install(lock, wanted=wanted, goal=goal)
    _ensure_kernel()
    return str(PYTHON)


def clean_environment() -> dict[str, str]:
    """Return our environment without what would point Python at other packages."""
    left_out = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in left_out}


def run_quietly(title: str, command: list[str], **environment: str) -> None:
    """Run a command with its output hidden, unless it fails.

    Raises
    ------
    SystemExit
        With the command's own exit code, after printing the last lines of its output.
    """
    started = time.monotonic()
    is_terminal = sys.stdout.isatty()
    if not is_terminal:
        print(f"  … {title}", flush=True)
    tail: deque[str] = deque(maxlen=SHOWN_LINES)
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**clean_environment(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            tail.append(line)
            if is_terminal:
                print(f"\r\033[K  … {title} {time.monotonic() - started:.0f} s", end="", flush=True)
    seconds = time.monotonic() - started
    start = "\r\033[K" if is_terminal else ""
    mark = "✗" if process.returncode else "✓"
    print(f"{start}  {mark} {title} ({seconds:.1f} s)", flush=True)
    if process.returncode:
        print("".join(tail), file=sys.stderr, flush=True)
        raise SystemExit(process.returncode)


def _ensure_kernel() -> None:
    """Compile the kernel where its source has changed; nothing needs it but speed."""
    if library_path(VENV).exists():
        return
    compiler = find_compiler(probe(str(PYTHON)))
    refusal = build_library(compiler, environment=VENV) if compiler else "there is no C compiler"
    if refusal is None:
        print("  ✓ compiled kernel", flush=True)
    else:
        told = refusal.strip().partition("\n")[0]
        print(f"  … without the compiled kernel numpy ranks, slower: {told}", flush=True)


def _holds(lock: str, *, wanted: str) -> bool:
    """Tell whether .venv has this very lock installed, on the Python that was asked for."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    if stamp["locks"].get(lock) != _digest(lock) or not PYTHON.exists() or INSTALLING.exists():
        return False
    return not wanted or stamp["version"] == getattr(probe(wanted), "version", None)


def _digest(lock: str) -> str:
    return hashlib.sha256((LOCKS / f"{lock}.txt").read_bytes()).hexdigest()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other make installs into the same .venv."""
    with (ROOT / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  … another make is installing; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(lock: str, *, wanted: str, goal: str) -> None:
    """Bring .venv to ``lock``, on the Python it has already where that one still serves."""
    python = _reusable(wanted)
    if python:
        lack = lack_of_compiler(python, goal=goal)
        if lack:
            raise NotReady(lack)
        INSTALLING.touch()
    else:
        python = choose_interpreter(wanted=wanted, goal=goal)
        _make_venv(python)
    uv = shutil.which("uv")
    if not python.has_lightfm_wheel:
        _install_lock("build", uv=uv, title="build tools for lightfm-next")
    _install_lock(lock, uv=uv, title=f"packages of deploy/locks/{lock}.txt")
    known = {} if not STAMP.exists() else json.loads(STAMP.read_text())["locks"]
    # The development lock contains every runtime package at the same version.
    installed = {lock: _digest(lock), "runtime": _digest("runtime")}
    STAMP.write_text(json.dumps({"version": python.version, "locks": {**known, **installed}}))
    INSTALLING.unlink()


def _reusable(wanted: str) -> Interpreter | None:
    """Return the Python of a complete .venv; None where it has to be made anew."""
    current = None if INSTALLING.exists() else probe(str(PYTHON))
    if not current or not current.is_supported:
        return None
    asked = probe(wanted) if wanted else current
    return current if asked and asked.version == current.version else None


def _make_venv(python: Interpreter) -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    INSTALLING.touch()
    uv = shutil.which("uv")
    if uv:
        command = [uv, "venv", "--allow-existing", "--python", python.executable, str(VENV)]
    else:
        command = [python.executable, "-m", "venv", str(VENV)]
    run_quietly(f"virtual environment with Python {python.release}", command)


def _install_lock(lock: str, *, uv: str | None, title: str) -> None:
    file = str(LOCKS / f"{lock}.txt")
    if uv:
        command = [uv, "pip", "install", "--python", str(PYTHON), "--no-build-isolation"]
        run_quietly(f"{title}, with uv", [*command, "--require-hashes", "-r", file])
        return
    if not any(VENV.glob("lib/python*/site-packages/pip")):
        run_quietly("pip", [str(PYTHON), "-m", "ensurepip"])
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    options = ["--no-build-isolation", "--no-compile", "--progress-bar", "off"]
    run_quietly(f"{title}, with pip", [*command, *options, "--require-hashes", "-r", file])
