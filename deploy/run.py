"""Runs Shelfwise's commands from a bare clone: each makes what it needs first, then does its work.

Needs nothing but Python's standard library, and reads on Python 3.8 so that it can say what is
missing. The Makefile only calls it: python3 deploy/run.py demo
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from deploy.environment import LOCKS, PYTHON, clean_environment, ensure_environment  # noqa: E402
from deploy.interpreter import NotReady  # noqa: E402


def main() -> int:
    """Run the named command and return its exit code."""
    command, *rest = sys.argv[1:] or ["help"]
    if command not in COMMANDS:
        print(f"usage: python3 deploy/run.py {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[command](rest)
    except NotReady as lack:
        print(lack, file=sys.stderr)
        return 2
    except PermissionError as error:
        print(f"'{error.filename}' belongs to another user; delete it first.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def setup(_: list[str]) -> int:
    """Make the environment of the demo and nothing else."""
    ensure_environment("runtime", goal="setup")
    return 0


def demo(rest: list[str]) -> int:
    """Hand over to the demo, so that Ctrl-C and signals reach it directly."""
    python = ensure_environment("runtime", goal="demo")
    return _become([python, "-m", "saas.demo", *rest])


def test(rest: list[str]) -> int:
    """Hand over to the test suite; what follows goes to pytest."""
    python = ensure_environment("dev", goal="test")
    return _become([python, "-m", "pytest", "-n", "2", *rest])


def check(_: list[str]) -> int:
    """Hand over to the static checks."""
    python = ensure_environment("dev", goal="check")
    return _become([python, "-m", "deploy.checks"])


def bench(rest: list[str]) -> int:
    """Run each benchmark in deploy/benchmarks."""
    python = ensure_environment("dev", goal="bench")
    for file in sorted((ROOT / "deploy" / "benchmarks").glob("bench_*.py")):
        code = subprocess.call([python, str(file), *rest], cwd=ROOT, env=clean_environment())
        if code:
            return code
    return 0


def chaos(rest: list[str]) -> int:
    """Hand over to the long run of crashes."""
    python = ensure_environment("dev", goal="chaos")
    return _become([python, "-m", "tests.chaos", *rest])


def fuzz(rest: list[str]) -> int:
    """Hand over to the long run of generated requests."""
    python = ensure_environment("dev", goal="fuzz")
    return _become([python, "-m", "tests.fuzz", *rest])


def stop(_: list[str]) -> int:
    """Stop what a killed demo left running."""
    if not PYTHON.exists():
        print("Nothing is running.")
        return 0
    return subprocess.call([str(PYTHON), "-m", "saas.embedded.stop"], cwd=ROOT)


def demo_reset(_: list[str]) -> int:
    """Stop what runs and delete the demo's data."""
    code = stop([])
    home = Path(os.environ.get("SHELFWISE_HOME") or ROOT / ".demo")
    if code or not home.exists():
        return code
    if not (home / "pids.json").exists():
        raise NotReady(f"'{home}' does not look like Shelfwise's data folder; delete it yourself.")
    shutil.rmtree(home)
    print(f"Deleted {home}")
    return 0


def lock(_: list[str]) -> int:
    """Write the lock files anew from pyproject.toml."""
    uv = shutil.which("uv")
    if not uv:
        raise NotReady("make lock needs uv; install it with: pipx install uv")
    options = ["--universal", "--python-version", "3.11", "--generate-hashes"]
    options += ["--no-annotate", "--no-header", "--upgrade"]
    build = ["deploy/locks/build.in"]
    runtime = ["pyproject.toml"]
    dev = ["pyproject.toml", "--group", "dev", "-c", "deploy/locks/runtime.txt"]
    for name, sources in (("build", build), ("runtime", runtime), ("dev", dev)):
        target = ["-o", str(LOCKS / f"{name}.txt")]
        code = subprocess.call([uv, "pip", "compile", *sources, *options, *target], cwd=ROOT)
        if code:
            return code
    return 0


COMMANDS = {
    "setup": setup,
    "demo": demo,
    "test": test,
    "check": check,
    "bench": bench,
    "chaos": chaos,
    "fuzz": fuzz,
    "stop": stop,
    "demo-reset": demo_reset,
    "lock": lock,
}


def _become(command: list[str]) -> int:
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execve(command[0], command, clean_environment())  # noqa: S606


if __name__ == "__main__":
    sys.exit(main())
