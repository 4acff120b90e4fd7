"""Moves one stretch of a usage log into PostgreSQL, in one transaction or not at all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from billing.metering.parse import Parsed, parse
from billing.metering.record import RECORD_BYTES, UsageFlag

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from billing.metering.record import UsageRecord

_log = structlog.get_logger()

# One transaction's worth: larger ones were no faster when measured.
BATCH_BYTES = 20_000 * RECORD_BYTES
# 9999-12-31; a ULID can say more than a date can.
_LAST_DATE_MS = 253_402_214_400_000

_LOCK_SOURCE = """
    SELECT id, shipped_bytes, last_sequence, bad_records FROM public.billing_usagesource
    WHERE name = %s FOR UPDATE"""
_ADD_SOURCE = "INSERT INTO public.billing_usagesource (name) VALUES (%s) ON CONFLICT DO NOTHING"
# Only calls that were new to the ledger reach the buckets; ordered, so that two shippers that meet
# in the same buckets do not deadlock.
_ADD_CALLS = f"""
    WITH fresh AS (
        INSERT INTO public.billing_usageledger
            (call_id, at, environment_id, source_id, units, operation, flags, took_step, key_tag,
             placement_tag)
        SELECT call_id, to_timestamp(at_ms / 1000.0), environment_id, %s, units, operation, flags,
            took_step, key_tag, placement_tag
        FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::int[], %s::smallint[],
                    %s::smallint[], %s::smallint[], %s::int[], %s::int[])
            AS call (call_id, at_ms, environment_id, units, operation, flags, took_step, key_tag,
                     placement_tag)
        ON CONFLICT DO NOTHING
        RETURNING at, environment_id, units, operation, flags, took_step, key_tag, placement_tag
    ), detailed AS (
        INSERT INTO public.billing_usagedetail AS detail
            (environment_id, hour, key_tag, placement_tag, calls, units)
        SELECT environment_id, date_trunc('hour', at, 'UTC') AS hour, key_tag, placement_tag,
            count(*), coalesce(sum(units) FILTER (WHERE flags & {int(UsageFlag.BILLABLE)} <> 0), 0)
        FROM fresh WHERE key_tag <> 0
        GROUP BY environment_id, hour, key_tag, placement_tag
        ORDER BY environment_id, hour, key_tag, placement_tag
        ON CONFLICT (environment_id, hour, key_tag, placement_tag) DO UPDATE
        SET calls = detail.calls + excluded.calls, units = detail.units + excluded.units
    ), timed AS (
        INSERT INTO public.billing_usagelatency AS latency (environment_id, day, step, calls)
        SELECT environment_id, (at AT TIME ZONE 'UTC')::date AS day, took_step, count(*)
        FROM fresh WHERE took_step > 0
        GROUP BY environment_id, day, took_step ORDER BY environment_id, day, took_step
        ON CONFLICT (environment_id, day, step) DO UPDATE
        SET calls = latency.calls + excluded.calls
    ), counted AS (
        INSERT INTO public.billing_usagebucket AS bucket
            (environment_id, hour, operation, calls, units, fallbacks)
        SELECT environment_id, date_trunc('hour', at, 'UTC') AS hour, operation, count(*),
            coalesce(sum(units) FILTER (WHERE flags & {int(UsageFlag.BILLABLE)} <> 0), 0),
            count(*) FILTER (WHERE flags & {int(UsageFlag.FALLBACK)} <> 0)
        FROM fresh GROUP BY environment_id, hour, operation
        ORDER BY environment_id, hour, operation
        ON CONFLICT (environment_id, hour, operation) DO UPDATE
        SET calls = bucket.calls + excluded.calls, units = bucket.units + excluded.units,
            fallbacks = bucket.fallbacks + excluded.fallbacks
    )
    SELECT count(*) FROM fresh"""  # noqa: S608  # integer constants, for flags' values
_MOVE_OFFSET = """
    UPDATE public.billing_usagesource
    SET shipped_bytes = %s, last_sequence = %s, sequence_holes = sequence_holes + %s,
        bad_records = bad_records + %s, updated_at = now()
    WHERE id = %s"""


@dataclass(frozen=True, slots=True)
class Shipment:
    """What one transaction moved, and where the source stands after it."""

    shipped_bytes: int
    calls: int
    new_calls: int
    bad_records: int
    sequence_holes: int
    # Whether the source has ever had a bad record.
    is_damaged: bool
    # Whether the source ended here when it was read.
    is_complete: bool


class Ledger:
    """The ledger as a shipper sees it, over one autocommit connection, until the first error."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._days: set[date] = set()
        self._may_make_partitions = True

    def ship_next(self, path: Path, *, is_finished: bool) -> Shipment:
        """Move the next stretch of this usage log.

        The source's row stays locked from reading its offset to the commit, so that a second
        shipper waits and goes on where this one ended.

        Parameters
        ----------
        path
            The usage log; its name is its identity.
        is_finished
            Whether its writer is gone, so that a bad tail will never heal.

        Raises
        ------
        psycopg.Error
            When PostgreSQL refused or went away; nothing was moved.
        FileNotFoundError
            When another shipper has put the finished file away.
        """
        with self._connection.transaction():
            source_id, offset, last_sequence, bad_records = self._lock_source(path.name)
            data, is_last = _read(path, offset)
            parsed = parse(
                data, last_sequence=last_sequence, skip_bad_tail=is_finished or not is_last
            )
            if parsed.end:
                self.ensure_partitions({_day(record) for record in parsed.records})
                new_calls = self._add_calls(source_id, parsed)
                self._move_offset(source_id, offset + parsed.end, parsed)
            else:
                new_calls = 0
        return Shipment(
            shipped_bytes=offset + parsed.end,
            calls=len(parsed.records),
            new_calls=new_calls,
            bad_records=parsed.bad_records,
            sequence_holes=parsed.sequence_holes,
            is_damaged=bad_records + parsed.bad_records > 0,
            is_complete=is_last,
        )

    def ensure_partitions(self, days: Iterable[date]) -> None:
        """Make the ledger's partitions of these UTC days; without the right the default one serves.

        Raises
        ------
        psycopg.Error
            When a long transaction keeps the ledger locked, or PostgreSQL went away.
        """
        for day in sorted(set(days) - self._days):
            if self._may_make_partitions:
                self._ensure_partition(day)
            self._days.add(day)

    def _ensure_partition(self, day: date) -> None:
        try:
            with self._connection.transaction():
                row = self._connection.execute(
                    "SELECT public.billing_ensure_ledger_partition(%s)", [day]
                ).fetchone()
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFunction) as error:
            self._may_make_partitions = False
            _log.warning("ledger_partition_refused", day=day.isoformat(), error=str(error))
            return
        if row != (True,):
            _log.warning("ledger_partition_not_made", day=day.isoformat())

    def _lock_source(self, name: str) -> tuple[int, int, int, int]:
        row = self._connection.execute(_LOCK_SOURCE, [name]).fetchone()
        if row is None:
            self._connection.execute(_ADD_SOURCE, [name])
            row = self._connection.execute(_LOCK_SOURCE, [name]).fetchone()
        if row is None:
            raise psycopg.OperationalError(f"The usage source '{name}' vanished; try again.")
        return row[0], row[1], row[2], row[3]

    def _add_calls(self, source_id: int, parsed: Parsed) -> int:
        if not parsed.records:
            return 0
        _, at_ms, environments, call_ids, *numbers = zip(*parsed.records, strict=True)
        row = self._connection.execute(
            _ADD_CALLS,
            [
                source_id,
                _array(call_id.hex() for call_id in call_ids),
                _array(map(str, at_ms)),
                _array(map(str, environments)),
                *(_array(map(str, column)) for column in numbers),
            ],
        ).fetchone()
        return row[0] if row else 0

    def _move_offset(self, source_id: int, shipped_bytes: int, parsed: Parsed) -> None:
        self._connection.execute(
            _MOVE_OFFSET,
            [
                shipped_bytes,
                parsed.last_sequence,
                parsed.sequence_holes,
                parsed.bad_records,
                source_id,
            ],
        )


def _read(path: Path, offset: int) -> tuple[bytes, bool]:
    """Return the next stretch, and whether it is the file's last for now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = os.pread(descriptor, BATCH_BYTES, offset)
        return data, offset + len(data) >= os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _day(record: UsageRecord) -> date:
    """Return the UTC day of the call's ULID, which is what the ledger is partitioned by."""
    at_ms = min(int.from_bytes(record.call_id[:6]), _LAST_DATE_MS)
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).date()


def _array(values: Iterable[str]) -> str:
    # psycopg adapts a list item by item, which took 40 % of the shipping time.
    return "{" + ",".join(values) + "}"
