"""The dispatcher's loop: wakes on a notification or each second, publishes, and keeps the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import sentry_sdk
import structlog
from django.db import connection
from prometheus_client import Counter, Gauge

from saas.lib.postgres import connect_for_long
from tenants.selectors.job_load import job_load
from tenants.services.dispatch_jobs import (
    Publish,
    publish_due_jobs,
    requeue_lost_jobs,
)
from tenants.services.wake_dispatcher import JOBS_CHANNEL

log = structlog.get_logger()

LOOK_SECONDS = 1.0
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 10.0

PUBLISHED = Counter("shelfwise_jobs_published", "Messages sent to the workers.")
LOST = Counter("shelfwise_jobs_lost", "Jobs whose worker stopped before they were done.")
UNFINISHED = Gauge("shelfwise_jobs_unfinished", "Jobs by state.", ["state"])
OLDEST_DUE = Gauge("shelfwise_oldest_due_job_seconds", "How long the oldest due job has waited.")


@dataclass
class Periodic:
    """Work of the clock: harmless when done too often, or by several dispatchers."""

    name: str
    every_seconds: float
    run: Callable[[], object]
    due_at: float = field(default=0.0, init=False)


class Dispatcher:
    """Looks after the job table until told to stop."""

    def __init__(
        self,
        *,
        database_url: str,
        publish: Publish,
        waiting: Callable[[], Mapping[str, int]],
        queues: Mapping[str, str],
        clock: Sequence[Periodic],
    ) -> None:
        self._database_url = database_url
        self._publish = publish
        self._waiting = waiting
        self._queues = queues
        self._clock = clock
        self._looked_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Dispatch until `stop` is set; with PostgreSQL or Redis away, wait and go on."""
        delay = FIRST_DELAY_SECONDS
        while not stop.is_set():
            try:
                with self._listening() as wait:
                    while not stop.is_set():
                        self.look()
                        delay = FIRST_DELAY_SECONDS
                        wait()
            except Exception as error:
                # Whatever it was, the job table still is there: look again a little later.
                log.exception("dispatch_interrupted", retry_seconds=delay)
                sentry_sdk.capture_exception(error)
                stop.wait(delay)
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)

    def look(self) -> None:
        """Bring lost jobs back, do what the clock says, publish what is due."""
        try:
            lost = requeue_lost_jobs()
            if lost:
                LOST.inc(lost)
                log.warning("jobs_lost", count=lost)
            self._run_clock()
            PUBLISHED.inc(
                publish_due_jobs(
                    publish=self._publish, queues=self._queues, waiting=self._waiting()
                )
            )
            self._measure()
        finally:
            # Back to the pool, which checks it before the next look.
            connection.close()
        self._looked_at = time.monotonic()

    def is_stuck(self) -> str | None:
        """Say what is wrong where no look has succeeded lately: a readiness check."""
        seconds = time.monotonic() - self._looked_at
        if seconds < LONGEST_DELAY_SECONDS:
            return None
        return f"No look at the job table has succeeded for {seconds:.0f} seconds."

    def _run_clock(self) -> None:
        now = time.monotonic()
        for work in self._clock:
            if work.due_at > now:
                continue
            work.due_at = now + work.every_seconds
            try:
                work.run()
            except Exception as error:
                # One kind of periodic work must not keep jobs from their workers.
                log.exception("clock_work_failed", name=work.name)
                sentry_sdk.capture_exception(error)

    def _measure(self) -> None:
        load = job_load()
        UNFINISHED.labels("queued").set(load.queued)
        UNFINISHED.labels("running").set(load.running)
        OLDEST_DUE.set(load.oldest_due_seconds)

    @contextmanager
    def _listening(self) -> Iterator[Callable[[], None]]:
        with connect_for_long(self._database_url, name="dispatcher", connect_timeout=5) as listener:
            listener.execute(f"LISTEN {JOBS_CHANNEL}")

            def wait() -> None:
                for _ in listener.notifies(timeout=LOOK_SECONDS, stop_after=1):
                    pass

            yield wait
