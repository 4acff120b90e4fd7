"""Processes of our own that a test starts, watches, stops in the middle and kills."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

PROJECT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.02

Found = TypeVar("Found")


def wait_for(what: str, condition: Callable[[], Found | None], *, seconds: float = 30) -> Found:
    """Return the condition's first true value; fail by name when it has none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"Not within {seconds:.0f} seconds: {what}")


class Process:
    """One process with a group and a log of its own."""

    def __init__(self, *arguments: str, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=PROJECT,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    def has_logged(self, text: str) -> bool:
        """Say whether the text stands in the log."""
        return text in self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and all its children."""
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """Kill the process and all its children, if any is left."""
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGKILL)
        self._process.wait()

    def is_alive(self) -> bool:
        """Say whether it has not ended."""
        return self._process.poll() is None

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=10)


def run_together(script: str, *arguments: str, processes: int) -> list[str]:
    """Run a script in several processes that begin at once, and return what each said last.

    Each says "ready" and waits for a line.
    """
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for each in started:
        if each.stdout is None or each.stdout.readline() != "ready\n":
            raise AssertionError("A process did not get ready.")
    for each in started:
        if each.stdin is not None:
            each.stdin.write("\n")
            each.stdin.flush()
    return [each.communicate(timeout=120)[0].splitlines()[-1] for each in started]
