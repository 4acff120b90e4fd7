"""Remembers on disk which processes are ours, so that a killed supervisor's can be ended later."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from saas.embedded.processes import end_processes, group_members, start_mark


@dataclass(frozen=True)
class RecordedProcess:
    """A process id that counts only together with the moment the process started."""

    pid: int
    started: str
    stop_signal: int = int(signal.SIGTERM)
    grace_seconds: float = 10.0

    @property
    def is_alive(self) -> bool:
        """Tell whether the very process that was recorded still runs."""
        return start_mark(self.pid) == self.started

    def remaining(self) -> set[int]:
        """Return the live members of its process group: itself and its descendants.

        An id is not given anew while its group has members, so a leader with another start means
        that nothing of ours is left.
        """
        if start_mark(self.pid) not in {None, self.started}:
            return set()
        return group_members(self.pid)

    def end(self) -> None:
        """Ask the process to end, wait for its whole group, kill what does not go."""
        end_processes(
            lambda: {self.pid} if self.is_alive else set(),
            stop_signal=signal.Signals(self.stop_signal),
            grace_seconds=self.grace_seconds,
        )
        end_processes(self.remaining, stop_signal=signal.SIGKILL, grace_seconds=0.0)


@dataclass(frozen=True)
class Record:
    """The supervisor and its services, in the order they were started."""

    supervisor: RecordedProcess | None
    services: Mapping[str, RecordedProcess]

    def write(self, path: Path) -> None:
        """Replace the record on disk in one step."""
        written = path.with_suffix(".new")
        written.write_text(json.dumps(asdict(self), indent=2))
        written.replace(path)

    def end_services(self) -> list[str]:
        """End every recorded service that is left, the last started first; return their names."""
        left = [name for name, process in self.services.items() if process.remaining()]
        for name in reversed(left):
            self.services[name].end()
        return left


def read_record(path: Path) -> Record:
    """Read the record; a missing or unreadable one means that nothing is known to run."""
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        stored = json.loads(path.read_text())
        supervisor = stored["supervisor"]
        return Record(
            supervisor=RecordedProcess(**supervisor) if supervisor else None,
            services={name: RecordedProcess(**each) for name, each in stored["services"].items()},
        )
    return Record(supervisor=None, services={})


def recorded_self() -> RecordedProcess:
    """Describe the running process."""
    return RecordedProcess(pid=os.getpid(), started=start_mark(os.getpid()) or "")
