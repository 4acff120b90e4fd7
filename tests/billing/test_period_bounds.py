"""Hours and months are UTC's: a call falls into one of each, whatever the store's clock does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from billing.metering.record import encode
from billing.metering.shipper import Shipper

# The last moment of a month, the next one's first, and Berlin's hour that comes twice.
MOMENTS = (
    datetime(2026, 9, 30, 23, 59, 59, 999_000, tzinfo=UTC),
    datetime(2026, 10, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
)


def test_calls_of_both_sides_of_a_bound_fall_into_their_own_hours(
    shipper: Shipper, usage_database: Any, make_call: Callable[..., Any], tmp_path: Path
) -> None:
    """I12."""
    calls = [
        make_call(number, at_ms=round(moment.timestamp() * 1000))
        for number, moment in enumerate(MOMENTS, start=1)
    ]
    (tmp_path / "host-a.usage").write_bytes(b"".join(map(encode, calls)))

    assert shipper.ship_all() == len(MOMENTS)
    hours = [row[1] for row in usage_database.buckets()]
    assert hours == ["09-30 23", "10-01 00", "10-25 00", "10-25 01"]
