"""Looks at the machine's processes, to prove which ones are ours after a crash."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_PROC = Path("/proc")
_POLL_SECONDS = 0.02


def start_mark(pid: int) -> str | None:
    """Return when process ``pid`` started, exact enough to tell a reused id; None when it is gone.

    A zombie counts as gone: it has ended, only its parent has not noticed yet.
    """
    if sys.platform != "linux":
        state_and_start = _ps("-p", str(pid), columns=("stat", "lstart")).strip()
        return None if state_and_start[:1] in {"", "Z"} else state_and_start.split(None, 1)[1]
    fields = _stat_fields(pid)
    if fields is None or fields[0] == "Z":
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{fields[19]}"


def group_members(group: int) -> set[int]:
    """Return the ids of the live processes in process group ``group``."""
    if sys.platform != "linux":
        rows = (row.split() for row in _ps("-ax", columns=("pid", "pgid", "stat")).splitlines())
        return {int(row[0]) for row in rows if int(row[1]) == group and row[2][0] != "Z"}
    stats = ((pid, _stat_fields(pid)) for pid in _all_pids())
    return {pid for pid, fields in stats if fields and int(fields[2]) == group and fields[0] != "Z"}


def processes_in(folder: Path, *, program: str) -> set[int]:
    """Return the ids of the processes of ``program`` whose working directory is ``folder``."""
    if sys.platform != "linux":
        rows = (row.split(None, 1) for row in _ps("-ax", columns=("pid", "command")).splitlines())
        return {int(pid) for pid, line in rows if program in line and str(folder) in line}
    found = set()
    for pid in _all_pids():
        with contextlib.suppress(OSError):
            entry = _PROC / str(pid)
            is_program = (entry / "comm").read_text().strip() == program
            if is_program and (entry / "cwd").readlink() == folder.resolve():
                found.add(pid)
    return found


def end_processes(
    find: Callable[[], Iterable[int]], *, stop_signal: signal.Signals, grace_seconds: float
) -> None:
    """Signal what ``find`` returns, wait until it returns nothing; kill after the grace."""
    deadline = time.monotonic() + grace_seconds
    for pid in find():
        _signal(pid, stop_signal)
    while remaining := set(find()):
        if time.monotonic() > deadline:
            for pid in remaining:
                _signal(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _stat_fields(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from its third field on: the second may hold spaces and brackets."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _ps(*arguments: str, columns: tuple[str, ...]) -> str:
    # One -o each: to BSD, what follows an equals sign is the column's heading.
    options = (option for column in columns for option in ("-o", f"{column}="))
    command = ("/bin/ps", *arguments, *options)
    environment = {"LC_ALL": "C", "TZ": "UTC"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment
    ).stdout
