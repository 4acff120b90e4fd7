"""Owns the processes of the embedded default: starts, watches and stops them, and leaves none."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

from saas.embedded.child import Child, describe_exit
from saas.embedded.processes import start_mark
from saas.embedded.record import Record, RecordedProcess, read_record, recorded_self
from saas.embedded.service import Service, ServiceFailed

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_SECONDS = 0.1
_FIRST_DELAY_SECONDS = 0.25
_LONGEST_DELAY_SECONDS = 10.0
# A service that ran this long was healthy: its next crash counts as the first.
_HEALTHY_SECONDS = 30.0
_MOST_CRASHES = 6


class Supervisor:
    """Runs services in order, restarts those that crash, and stops all in reverse order.

    Used as a context manager in the main thread. SIGINT, SIGTERM and SIGHUP raise
    KeyboardInterrupt inside the block; a second one while stopping kills at once.
    """

    def __init__(self, *, home: Path, report: Callable[[str], None] = print) -> None:
        self._home = home
        self._report = report
        self._running: dict[str, _Watched] = {}
        # What was started together, and so need not wait for each other at the end either.
        self._groups: list[list[_Watched]] = []
        self._old_handlers: dict[signal.Signals, Any] = {}
        self._lock: IO[str] | None = None
        self._is_stopping = False
        self._must_hurry = False
        self._is_deferring = False
        self._was_interrupted = False

    def __enter__(self) -> Self:
        (self._home / "logs").mkdir(parents=True, exist_ok=True)
        self._lock = lock_home(self._home)
        for name in read_record(self._record_path).end_services():
            self._report(f"Ended {name}, left over from a run that was killed.")
        self._write_record()
        for number in _SIGNALS:
            self._old_handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_stopping = True
        for group in reversed(self._groups):
            for watched in group:
                watched.child.ask_to_stop()
            for watched in group:
                watched.child.stop(must_hurry=lambda: self._must_hurry)
        self._running.clear()
        self._groups.clear()
        Record(supervisor=None, services={}).write(self._record_path)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        if self._lock:
            self._lock.close()

    def start(self, service: Service) -> int:
        """Start a service, wait until it is ready and return its process id.

        Raises
        ------
        ServiceFailed
            When it dies first or takes too long; the message shows the end of its log.
        """
        self._groups.append([])
        child = self._spawn(service)
        child.wait_ready()
        return child.pid

    def start_together(self, services: Iterable[Service]) -> None:
        """Start services that do not need each other, and wait until all are ready.

        Raises
        ------
        ServiceFailed
            When one dies first or takes too long.
        """
        self._groups.append([])
        for child in [self._spawn(service) for service in services]:
            child.wait_ready()

    def _spawn(self, service: Service) -> Child:
        log_path = self._home / "logs" / f"{service.name}.log"
        log_path.unlink(missing_ok=True)
        with self._interrupts_deferred():
            child = Child(service=service, log_path=log_path)
            watched = self._running[service.name] = _Watched(child)
            self._groups[-1].append(watched)
            self._write_record()
        return child

    def watch(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Restart crashed services until ``until`` holds, or for ever.

        Raises
        ------
        ServiceFailed
            When a service crashes again and again.
        """
        while not until():
            for watched in self._running.values():
                self._look_after(watched)
            time.sleep(_POLL_SECONDS)

    def _look_after(self, watched: _Watched) -> None:
        child = watched.child
        if watched.restart_at is None and child.has_exited():
            # Its descendants would hold the ports and files that the next one needs.
            child.kill_group()
            watched.note_crash()
            how = describe_exit(child.process.returncode)
            if watched.crashes > _MOST_CRASHES:
                raise child.failure(f"ended with {how}, {watched.crashes} times in a row")
            self._report(f"{child.service.name} ended with {how}; starting it again.")
        if watched.restart_at is not None and time.monotonic() >= watched.restart_at:
            with self._interrupts_deferred():
                watched.child = Child(service=child.service, log_path=child.log_path)
                watched.restart_at = None
                self._write_record()

    @property
    def _record_path(self) -> Path:
        return self._home / "pids.json"

    def _write_record(self) -> None:
        services = {name: each.recorded() for name, each in self._running.items()}
        Record(supervisor=recorded_self(), services=services).write(self._record_path)

    @contextlib.contextmanager
    def _interrupts_deferred(self) -> Iterator[None]:
        """Hold an interrupt back until a new process is on record and will be stopped with us."""
        self._is_deferring = True
        try:
            yield
        finally:
            self._is_deferring = False
        if self._was_interrupted:
            raise KeyboardInterrupt

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # Raised once only: a second interrupt must not break off the way to __exit__.
        if self._was_interrupted or self._is_stopping:
            self._must_hurry = True
            return
        self._was_interrupted = True
        if not self._is_deferring:
            raise KeyboardInterrupt


class _Watched:
    """A child together with its history of crashes."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.crashes = 0
        self.restart_at: float | None = None

    def note_crash(self) -> None:
        now = time.monotonic()
        if now - self.child.started_at > _HEALTHY_SECONDS:
            self.crashes = 0
        delay = min(_FIRST_DELAY_SECONDS * 2**self.crashes, _LONGEST_DELAY_SECONDS)
        self.crashes += 1
        self.restart_at = now + delay

    def recorded(self) -> RecordedProcess:
        service = self.child.service
        return RecordedProcess(
            pid=self.child.pid,
            started=start_mark(self.child.pid) or "",
            stop_signal=int(service.stop_signal),
            grace_seconds=service.grace_seconds,
        )


def lock_home(home: Path) -> IO[str]:
    """Take the data folder for this process; the kernel gives it back when the process ends."""
    try:
        lock = (home / "lock").open("w")
    except PermissionError:
        raise ServiceFailed(
            f"'{home}' belongs to another user; delete it or set SHELFWISE_HOME."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise ServiceFailed(f"Shelfwise runs already in '{home}'; run: make stop") from None
    return lock
