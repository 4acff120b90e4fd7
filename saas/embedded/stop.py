"""Stops a supervisor of another terminal, or what a killed one left: `make stop`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from saas.embedded.home import data_folder, postgres_in, valkey_in
from saas.embedded.processes import end_processes
from saas.embedded.record import read_record
from saas.embedded.service import ServiceFailed
from saas.embedded.supervisor import lock_home

# Longer than the graces of all services together.
_SUPERVISOR_GRACE_SECONDS = 60.0


def stop(home: Path) -> bool:
    """End the supervisor of ``home`` and all its services; tell whether anything was running."""
    record = read_record(home / "pids.json")
    supervisor = record.supervisor
    was_running = supervisor is not None and supervisor.is_alive
    if supervisor is not None:
        end_processes(
            lambda: {supervisor.pid} if supervisor.is_alive else set(),
            stop_signal=signal.SIGTERM,
            grace_seconds=_SUPERVISOR_GRACE_SECONDS,
        )
    if not home.exists():
        return was_running
    with lock_home(home):
        was_running |= bool(read_record(home / "pids.json").end_services())
        postgres_in(home).remove_sockets()
        valkey_in(home).remove_sockets()
    return was_running


def main() -> int:
    """Stop what runs in the data folder and say so."""
    try:
        print("Stopped." if stop(data_folder()) else "Nothing is running.")  # noqa: T201
    except ServiceFailed as failure:
        print(failure, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
