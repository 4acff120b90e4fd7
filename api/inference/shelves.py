"""Keeps the shelves of the environments in use current: one thread opens, swaps and follows.

It opens a shelf for an environment's first call, puts a new one in its place when another version
goes live (calls under way keep the old one), and reads item changes twice a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial

import psycopg
import structlog

from api.inference import metrics
from api.inference.catalogue_reader import CatalogueReader, Clock
from api.inference.followed import Followed
from api.inference.model_store import Model, ModelStore
from api.inference.shelf import Shelf
from api.inference.snapshot import Environment, Snapshot
from api.inference.trend_files import TrendFiles
from saas.lib.errors import Overloaded
from tenants.error_reports import report_error

POLL_SECONDS = 0.5
# Mapped files and item descriptions together; beyond it the longest unused shelf goes.
MAX_BYTES = 4 * 1024**3
# A first call waits for its store's catalogue no longer than this.
_MAX_WAIT_SECONDS = 5.0

_log = structlog.get_logger()


class Shelves:
    """The open shelves, by environment."""

    def __init__(
        self,
        *,
        snapshot: Callable[[], Snapshot],
        models: ModelStore,
        trends: TrendFiles,
        reader: CatalogueReader,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._snapshot = snapshot
        self._models = models
        self._trends = trends
        self._reader = reader
        self._max_bytes = max_bytes
        self._shelves: dict[int, Shelf] = {}
        self._followed: dict[int, Followed] = {}
        self._wanted: dict[int, list[Future[None]]] = {}
        self._lock = threading.Lock()
        self._confirmed_at: float | None = None
        self._is_away = False
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to keep the shelves."""
        metrics.CATALOGUE_AGE_SECONDS.set_function(lambda: (self.lag_ms() or 0) / 1000)
        self._thread = threading.Thread(target=self._keep, name="shelves", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._reader.close()

    def wake(self) -> None:
        """Ask for a turn now: something may have gone live."""
        self._wake.set()

    def lag_ms(self) -> int | None:
        """Return the age of what is known of catalogues, None where nothing is."""
        if self._confirmed_at is None:
            return None
        return int((time.monotonic() - self._confirmed_at) * 1000)

    def get(self, environment_id: int) -> Shelf | None:
        """Return the shelf where it is open."""
        shelf = self._shelves.get(environment_id)
        if shelf is not None:
            shelf.last_used = time.monotonic()
        return shelf

    async def opened(self, environment_id: int) -> Shelf:
        """Return the shelf of an environment's first call once it is open.

        Raises
        ------
        Overloaded
            The catalogue takes longer to read than a caller should wait.
        """
        opening: Future[None] = Future()
        with self._lock:
            self._wanted.setdefault(environment_id, []).append(opening)
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(opening), _MAX_WAIT_SECONDS)
        shelf = self._shelves.get(environment_id)
        if shelf is None:
            raise Overloaded(
                "The store's catalogue is being read; ask again in a few seconds.",
                headers={"Retry-After": "2"},
            )
        return shelf

    def _keep(self) -> None:
        while not self._stop.is_set():
            try:
                is_behind = self._turn()
            except Exception as error:  # noqa: BLE001  # the thread's edge: the next turn must come
                _log.exception("shelves_turn_failed")
                report_error(error)
                is_behind = False
            if not is_behind:
                self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _turn(self) -> bool:
        """Bring every shelf up to date and return whether some catalogue has more to read."""
        environments = self._environments()
        self._read_changes(environments)
        for environment in environments.values():
            self._put_up(environment)
        now = time.time()
        for environment_id, followed in self._followed.items():
            if shelf := self._shelves.get(environment_id):
                shelf.refresh(followed.catalogue.apply_time(now=now))
                shelf.show_trends(self._trends.of(environment_id))
        self._answer_waiting()
        self._evict()
        metrics.MODELS_OPEN.set(sum(each.model is not None for each in self._shelves.values()))
        return not self._is_away and any(
            not each.is_complete and not each.is_unreadable for each in self._followed.values()
        )

    def _environments(self) -> dict[int, Environment]:
        with self._lock:
            wanted = set(self._wanted)
        environments = self._served((*self._followed, *wanted))
        for environment_id in self._followed.keys() - environments.keys():
            self._let_go(environment_id)
        for environment_id in environments:
            self._followed.setdefault(environment_id, Followed())
        return environments

    def _served(self, environment_ids: Iterable[int]) -> dict[int, Environment]:
        known = self._snapshot().environments
        return {
            each: known[each]
            for each in environment_ids
            if each in known and not known[each].is_deleted
        }

    def _read_changes(self, environments: dict[int, Environment]) -> None:
        if not environments:
            return
        try:
            clocks = self._reader.clocks(tuple(environments))
            for environment_id, environment in environments.items():
                self._try_environment(environment, clock=clocks.get(environment_id, Clock()))
        except psycopg.Error as error:
            self._reader.close()
            if not self._is_away:
                _log.warning("catalogues_unread", error=str(error).partition("\n")[0])
            self._is_away = True
            return
        self._is_away = False
        self._confirmed_at = time.monotonic()

    def _try_environment(self, environment: Environment, *, clock: Clock) -> None:
        if self._followed[environment.id].is_ahead_of(clock):
            # A database restored from a backup counts anew.
            _log.warning("catalogue_went_back", environment=environment.id)
            self._let_go(environment.id)
            self._followed[environment.id] = Followed()
        followed = self._followed[environment.id]
        try:
            followed.catch_up(self._reader, environment, clock=clock)
            if shelf := self._shelves.get(environment.id):
                shelf.explore(
                    environment.explore_share, partial(self._reader.described, environment)
                )
        except psycopg.ProgrammingError as error:
            # A schema that is being moved or migrated; the other stores' changes go on.
            if not followed.is_unreadable:
                _log.error(
                    "catalogue_unreadable",
                    environment=environment.id,
                    error=str(error).partition("\n")[0],
                )
            followed.is_unreadable = True
        else:
            followed.is_unreadable = False
        finally:
            touched = followed.take_touched()
            if shelf := self._shelves.get(environment.id):
                shelf.refresh(touched)

    def _put_up(self, environment: Environment) -> None:
        followed = self._followed[environment.id]
        shelf = self._shelves.get(environment.id)
        is_readable = not self._is_away and not followed.is_unreadable
        if shelf is None and not followed.is_complete and is_readable:
            return
        model = self._model(environment, held=shelf.model if shelf else None)
        is_current = followed.is_complete or (shelf is not None and shelf.is_current)
        if model is not None and (shelf is None or shelf.model is not model):
            # PostgreSQL may be away; what lies beside the model says the same.
            followed.erase(model.erasures, environment)
        if shelf is None or shelf.model is not model or shelf.is_current != is_current:
            shelf = Shelf(
                model=model,
                catalogue=followed.catalogue,
                objections=followed.objections.keys(),
                identities=followed.identities,
                is_current=is_current,
            )
            # Before anybody finds it.
            shelf.show_trends(self._trends.of(environment.id))
            self._shelves[environment.id] = shelf

    def _model(self, environment: Environment, *, held: Model | None) -> Model | None:
        version = environment.live_version
        if version is None:
            return None
        if held is not None and held.version == version:
            return held
        # A refused version changes nothing: the old one serves on.
        return self._models.open(environment.id, version) or held

    def _answer_waiting(self) -> None:
        with self._lock:
            # Not those of the turn: who asked since it began waits for the next.
            served = self._served(self._wanted)
            done = [each for each in self._wanted if each in self._shelves or each not in served]
            waiting = [opening for each in done for opening in self._wanted.pop(each)]
        for opening in waiting:
            if opening.set_running_or_notify_cancel():
                opening.set_result(None)

    def _evict(self) -> None:
        total = sum(each.size_bytes for each in self._shelves.values())
        for environment_id, shelf in sorted(
            self._shelves.items(), key=lambda entry: entry[1].last_used
        )[:-1]:
            if total <= self._max_bytes:
                return
            total -= shelf.size_bytes
            self._let_go(environment_id)

    def _let_go(self, environment_id: int) -> None:
        self._shelves.pop(environment_id, None)
        self._followed.pop(environment_id, None)
        self._trends.forget(environment_id)
