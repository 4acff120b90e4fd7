"""Runs one declared service as a child process: start, wait until it is ready, stop."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from saas.embedded.service import Service, ServiceFailed

_POLL_SECONDS = 0.02
_LOG_LINES_SHOWN = 15
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A started service, leader of a session of its own so that Ctrl-C reaches only the parent."""

    def __init__(self, *, service: Service, log_path: Path) -> None:
        self.service = service
        self.log_path = log_path
        self.started_at = time.monotonic()
        self._asked_at = 0.0
        account = service.account
        with log_path.open("ab") as log:
            self.process = subprocess.Popen(
                service.command,
                env=dict(service.environment),
                cwd=service.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid(), service.stop_signal),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self.process.pid

    def has_exited(self) -> bool:
        """Tell whether the process has ended, by itself or not."""
        return self.process.poll() is not None

    def wait_ready(self) -> None:
        """Return once the service is ready; raise ServiceFailed when it dies or takes too long."""
        deadline = time.monotonic() + self.service.ready_seconds
        while not self.service.is_ready(self.pid):
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(timeout=_POLL_SECONDS)
                raise self.failure(f"ended with {describe_exit(code)} before it was ready")
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready after {self.service.ready_seconds:.0f} seconds")

    def ask_to_stop(self) -> None:
        """Ask the service to end, once: for some, a second time means at once."""
        if self._asked_at:
            return
        self._asked_at = time.monotonic()
        if not self.has_exited():
            self.process.send_signal(self.service.stop_signal)

    def stop(self, *, must_hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask the service to end and wait, then kill what is left of its process group."""
        self.ask_to_stop()
        deadline = self._asked_at + self.service.grace_seconds
        while not self.has_exited() and time.monotonic() < deadline and not must_hurry():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=_POLL_SECONDS)
        self.kill_group()

    def kill_group(self) -> None:
        """Kill the process and every descendant that stayed in its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def failure(self, what: str) -> ServiceFailed:
        """Make the error that says ``what`` happened and shows the end of the log."""
        lines = self.log_path.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:]
        shown = "".join(f"\n    {line}" for line in lines) or " It is empty."
        return ServiceFailed(f"{self.service.name} {what}. Its log, {self.log_path}:{shown}")


def describe_exit(code: int) -> str:
    """Name how a process ended, from its return code."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _die_with(parent: int, stop_signal: signal.Signals) -> Callable[[], None] | None:
    """On Linux, have the kernel send ``stop_signal`` to the child when its parent is killed."""
    libc = _libc
    if libc is None:
        return None

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel
