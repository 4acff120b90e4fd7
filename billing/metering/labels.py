"""Remembers which placements a store's calls name, so that records can carry numbers for them."""

from __future__ import annotations

import threading

import psycopg
import structlog

from billing.metering.record import tag_of
from saas.lib.postgres import connect_for_long

SAVE_SECONDS = 2.0
# Of a store in a process; a page can send any name, so what comes after counts as none of them.
MOST_PLACEMENTS = 200
_SAVE = """
    INSERT INTO public.billing_usagelabel (environment_id, tag, name) VALUES (%s, %s, %s)
    ON CONFLICT DO NOTHING"""

_log = structlog.get_logger()


class Labels:
    """The placements that this process has met, and the thread that writes their names down."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._tags: dict[int, dict[str, int]] = {}
        self._unsaved: list[tuple[int, int, str]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def tag(self, environment_id: int, placement: str | None) -> int:
        """Return the placement's tag, 0 for none."""
        if placement is None:
            return 0
        tags = self._tags.setdefault(environment_id, {})
        tag = tags.get(placement)
        if tag is None:
            if len(tags) >= MOST_PLACEMENTS:
                return 0
            tag = tags[placement] = tag_of(placement)
            with self._lock:
                self._unsaved.append((environment_id, tag, placement))
        return tag

    def start(self) -> None:
        """Begin to write names down."""
        self._thread = threading.Thread(target=self._run, name="usage-labels", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write down what is new, and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def save(self) -> None:
        """Write the new names down; where PostgreSQL is away they stay for the next time."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, []
        if not unsaved:
            return
        try:
            with connect_for_long(
                self._database_url,
                name="labels",
                connect_timeout=2,
                options="-c statement_timeout=5s",
            ) as connection:
                connection.cursor().executemany(_SAVE, unsaved)
        except psycopg.Error as error:
            _log.warning("usage_labels_unsaved", error=str(error).partition("\n")[0])
            with self._lock:
                self._unsaved = unsaved + self._unsaved

    def _run(self) -> None:
        while not self._stop.wait(SAVE_SECONDS):
            self.save()
        self.save()
