"""The shipper: brings a host's usage logs into the ledger, round after round, losing nothing."""

from __future__ import annotations

import platform
import random
import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from billing.metering import log_folder, metrics
from billing.metering.ledger import Ledger, Shipment
from billing.metering.ledger_retention import drop_oldest_day
from billing.metering.record import RECORD_BYTES
from saas.lib.postgres import connect_for_long

if TYPE_CHECKING:
    import threading
    from pathlib import Path

POLL_SECONDS = 0.25
MAX_BACK_OFF_SECONDS = 10.0
# How often old days are looked for.
FORGET_SECONDS = 3600.0
# How often others hear how far this host is: what a store sees is at most so much older.
TELL_SECONDS = 1.0
# A ledger this far behind is worth waking someone for.
MAX_LAG_SECONDS = 60.0
# A hung server must not hold the rounds up for ever.
_SESSION = (
    "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"
    " -c synchronous_commit=on"
)

_TELL_PROGRESS = """
    INSERT INTO public.billing_usageshipper AS shipper (host, shipped_up_to)
    VALUES (%s, to_timestamp(%s))
    ON CONFLICT (host) DO UPDATE
    SET shipped_up_to = greatest(shipper.shipped_up_to, excluded.shipped_up_to)"""
_TAKE_LEAVE = "DELETE FROM public.billing_usageshipper WHERE host = %s"

_log = structlog.get_logger()


class Shipper:
    """Ships one folder of usage logs; any number of them may work on the same folder."""

    def __init__(self, *, folder: Path, database_url: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._database_url = database_url
        self._connection: psycopg.Connection[Any] | None = None
        self._ledger: Ledger | None = None
        self._shipped: dict[Path, int] = {}
        self._failed_rounds = 0
        self._error: str | None = None
        self._shipped_up_to = time.time()
        self._forgets_at = 0.0
        self._told_at = 0.0
        metrics.LAG_SECONDS.set_function(self._lag_seconds)

    def run(self, stop: threading.Event) -> None:
        """Ship until `stop` is set, then once more what is there."""
        pause = 0.0
        while not stop.wait(pause):
            pause = self._try_round()
        self._try_round()
        unshipped = self._unshipped_bytes()
        _log.info("shipper_stopped", unshipped_bytes=unshipped)
        if not unshipped:
            self._take_leave()
        self.close()

    def ship_all(self) -> int:
        """Ship every whole record that is there now and return how many were new.

        Raises
        ------
        psycopg.Error
            When PostgreSQL is away or refuses; what is not shipped stays in its file.
        OSError
            When a log could not be read; the others have been shipped.
        """
        began_at = time.time()
        ledger = self._connected_ledger()
        today = datetime.fromtimestamp(began_at, tz=UTC).date()
        ledger.ensure_partitions([today, today + timedelta(days=1)])
        new_calls = 0
        unreadable: OSError | None = None
        for path, size in log_folder.usage_logs(self._folder).items():
            try:
                new_calls += self._ship_file(ledger, path, size)
            except OSError as error:
                unreadable = error
        if unreadable is not None:
            raise unreadable
        log_folder.compress_oldest(self._folder, now=began_at)
        log_folder.remove_old_shipped(self._folder, now=began_at)
        self._forget_old_days(today)
        self._shipped_up_to = began_at
        self._tell_progress(began_at)
        return new_calls

    def _forget_old_days(self, today: date) -> None:
        now = time.monotonic()
        # One in a round: a drop locks the ledger. The next one follows in the next round.
        if (
            self._connection is not None
            and now >= self._forgets_at
            and not drop_oldest_day(self._connection, today=today)
        ):
            self._forgets_at = now + FORGET_SECONDS

    def _tell_progress(self, began_at: float) -> None:
        # Who says nothing for a while is missed: see billing.selectors.shippers.
        if self._connection is not None and began_at - self._told_at >= TELL_SECONDS:
            self._connection.execute(_TELL_PROGRESS, [platform.node() or "localhost", began_at])
            self._told_at = began_at

    def _take_leave(self) -> None:
        """Nobody is to miss a host that has shipped all it had."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute(_TAKE_LEAVE, [platform.node() or "localhost"])

    def close(self) -> None:
        """Let go of PostgreSQL; the next round connects anew."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._ledger = None

    def round_problem(self) -> str | None:
        """Say why the last round failed, if it did."""
        return self._error

    def lag_problem(self) -> str | None:
        """Say how far the ledger is behind, if it is worth saying."""
        lag = self._lag_seconds()
        if lag < MAX_LAG_SECONDS:
            return None
        return f"The ledger is {lag:.0f} s behind; look at the shipper's log and at PostgreSQL."

    def _try_round(self) -> float:
        """Ship once and return how long to wait before the next time."""
        try:
            self.ship_all()
        except (psycopg.Error, OSError) as error:
            self._failed_rounds += 1
            self._error = f"{type(error).__name__}: {error}"
            metrics.FAILED_ROUNDS.inc()
            _log.warning("shipping_failed", error=self._error, failed_rounds=self._failed_rounds)
            self.close()
            pause = min(POLL_SECONDS * 2.0**self._failed_rounds, MAX_BACK_OFF_SECONDS)
            # Shippers that lost the same server come back apart.
            pause *= random.uniform(0.5, 1.0)  # noqa: S311
        else:
            self._failed_rounds = 0
            self._error = None
            pause = POLL_SECONDS
        metrics.UNSHIPPED_BYTES.set(self._unshipped_bytes())
        return pause

    def _ship_file(self, ledger: Ledger, path: Path, size: int) -> int:
        new_calls = 0
        with suppress(FileNotFoundError):  # another shipper has put it away
            # Asked before shipping: a file that is finished now grows no more.
            is_finished = log_folder.is_finished(path)
            if not is_finished and size - self._shipped.get(path, 0) < RECORD_BYTES:
                return 0
            while True:
                shipment = ledger.ship_next(path, is_finished=is_finished)
                self._note(path, shipment)
                new_calls += shipment.new_calls
                # What a busy writer adds meanwhile is the next round's.
                if shipment.is_complete or (not is_finished and shipment.shipped_bytes >= size):
                    break
            if is_finished:
                log_folder.put_away(path, is_damaged=shipment.is_damaged)
                del self._shipped[path]
        return new_calls

    def _note(self, path: Path, shipment: Shipment) -> None:
        self._shipped[path] = shipment.shipped_bytes
        metrics.SHIPPED.inc(shipment.new_calls)
        metrics.SEQUENCE_HOLES.inc(shipment.sequence_holes)
        metrics.BAD_RECORDS.inc(shipment.bad_records)
        if shipment.bad_records or shipment.sequence_holes:
            _log.error(
                "usage_log_damaged",
                source=path.name,
                bad_records=shipment.bad_records,
                sequence_holes=shipment.sequence_holes,
                shipped_bytes=shipment.shipped_bytes,
            )

    def _unshipped_bytes(self) -> int:
        sizes = log_folder.usage_logs(self._folder)
        return sum(size - self._shipped.get(path, 0) for path, size in sizes.items())

    def _lag_seconds(self) -> float:
        return time.time() - self._shipped_up_to

    def _connected_ledger(self) -> Ledger:
        if self._ledger is None:
            self._connection = connect_for_long(
                self._database_url, name="shipper", connect_timeout=5, options=_SESSION
            )
            self._ledger = Ledger(self._connection)
        return self._ledger
