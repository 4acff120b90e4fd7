"""Keeps the control snapshot up to date: one counter row a second, then only what changed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import psycopg
import structlog
from psycopg.rows import kwargs_row

from api.inference import metrics
from api.inference.snapshot import (
    ApiKey,
    Changes,
    Entitlement,
    Environment,
    Snapshot,
    Tenant,
    load,
    save,
)
from saas.lib.postgres import connect_for_long
from tenants.error_reports import report_error

POLL_SECONDS = 1.0
# What keys that nobody knows may cost PostgreSQL at most: four looks a second.
MIN_SECONDS_BETWEEN_REFRESHES = 0.25
# A caller with an unknown key waits no longer for PostgreSQL than this.
_MAX_WAIT_SECONDS = 1.0

_CLOCK = "SELECT seq FROM public.tenants_controlclock"
_TENANTS = "SELECT id::text, status FROM public.tenants_tenant WHERE control_seq > %s"
_ENVIRONMENTS = """
    SELECT id, tenant_id::text, kind, schema_name, role_name, live_version, on_limit,
           explore_share, placements,
           deleted_at IS NOT NULL AS is_deleted
    FROM public.tenants_environment WHERE control_seq > %s
"""
_ENTITLEMENTS = """
    SELECT tenant_id::text, state, access, rate_per_second, burst,
           extract(epoch FROM period_start)::bigint AS period_start,
           extract(epoch FROM period_end)::bigint AS period_end,
           included_calls, call_limit, limited_by
    FROM public.tenants_entitlement WHERE control_seq > %s
"""
_KEYS = """
    SELECT id, environment_id, kind, digest, scopes, allowed_origins,
           extract(epoch FROM least(expires_at, revoked_at))::float8 AS ends_at
    FROM public.tenants_apikey WHERE control_seq > %s
"""

Row = TypeVar("Row")

_log = structlog.get_logger()


class Control:
    """The control snapshot and the thread that follows PostgreSQL.

    `on_change` is called in that thread after each new snapshot.
    """

    def __init__(
        self, *, database_url: str, cache: Path | None, on_change: Callable[[], None]
    ) -> None:
        kept = load(cache) if cache else None
        self.snapshot = kept or Snapshot()
        # False while nobody can be known: PostgreSQL has not answered and the disk had nothing.
        self.is_known = kept is not None
        self._database_url = database_url
        self._cache = cache
        self._on_change = on_change
        # What was loaded from disk may be of another database: the first look reads everything.
        self._held_seq = 0
        self._confirmed_at: float | None = None
        self._is_away = False
        self._connection: psycopg.Connection | None = None
        self._waiting: list[Future[None]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to follow; returns after the first look at PostgreSQL."""
        self._look()
        metrics.CONTROL_AGE_SECONDS.set_function(self.age_seconds)
        self._thread = threading.Thread(target=self._follow, name="control", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._disconnect()

    def age_seconds(self) -> float:
        """Return the seconds since PostgreSQL last confirmed the snapshot."""
        if self._confirmed_at is None:
            return float("inf")
        return time.monotonic() - self._confirmed_at

    async def refreshed(self) -> None:
        """Wait for a look at PostgreSQL that begins after this call, or for a second."""
        look: Future[None] = Future()
        with self._lock:
            self._waiting.append(look)
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(look), _MAX_WAIT_SECONDS)

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(POLL_SECONDS - MIN_SECONDS_BETWEEN_REFRESHES)
            self._wake.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, []
            try:
                self._look()
            except Exception as error:  # noqa: BLE001  # the thread's edge: revocations must arrive
                _log.exception("control_look_failed")
                report_error(error)
            for look in waiting:
                if look.set_running_or_notify_cancel():
                    look.set_result(None)
            self._stop.wait(MIN_SECONDS_BETWEEN_REFRESHES)

    def _look(self) -> None:
        try:
            changes = self._read_changes()
        except psycopg.Error as error:
            self._disconnect()
            if not self._is_away:
                _log.warning("control_unconfirmed", error=str(error).partition("\n")[0])
            self._is_away = True
            return
        self._is_away = False
        self._confirmed_at = time.monotonic()
        if changes is not None:
            # From 0, the answer is everything: what only the disk knew is let go.
            base = self.snapshot if self._held_seq else Snapshot()
            self._replace(base.with_changes(changes))
        self.is_known = True

    def _replace(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._held_seq = snapshot.seq
        _log.info("control_changed", seq=snapshot.seq, keys=len(snapshot.keys_by_id))
        self._on_change()
        if self._cache is None:
            return
        try:
            save(snapshot, self._cache)
        except OSError as error:
            _log.error("control_cache_unwritten", path=str(self._cache), error=str(error))

    def _read_changes(self) -> Changes | None:
        connection = self._connected()
        seq = _clock(connection)
        if seq == self._held_seq and self._confirmed_at is not None:
            return None
        if seq < self._held_seq:
            # A database restored from a backup counts anew.
            self._held_seq = 0
        since = self._held_seq or -1
        # One snapshot for all tables, so that a key never comes before its environment.
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return Changes(
                seq=_clock(connection),
                tenants=_rows(connection, Tenant, _TENANTS, since),
                environments=_rows(connection, Environment, _ENVIRONMENTS, since),
                entitlements=_rows(connection, Entitlement, _ENTITLEMENTS, since),
                keys=_rows(connection, _key, _KEYS, since),
            )

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = connect_for_long(
                self._database_url,
                name="inference-control",
                connect_timeout=2,
                options="-c statement_timeout=5s",
            )
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _clock(connection: psycopg.Connection) -> int:
    row = connection.execute(_CLOCK).fetchone()
    return int(row[0]) if row else 0


def _key(*, digest: bytes, scopes: list[str], allowed_origins: list[str], **members: Any) -> ApiKey:
    return ApiKey(
        digest=bytes(digest),
        scopes=frozenset(scopes),
        allowed_origins=frozenset(allowed_origins),
        **members,
    )


def _rows(
    connection: psycopg.Connection, make: Callable[..., Row], query: LiteralString, seq: int
) -> list[Row]:
    with connection.cursor(row_factory=kwargs_row(make)) as cursor:
        return cursor.execute(query, (seq,)).fetchall()
