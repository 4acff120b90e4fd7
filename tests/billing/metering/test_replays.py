"""Segments come again, in pieces, out of order and under other names: a call is one call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.metering.record import encode
from billing.metering.shipper import Shipper
from saas.lib.ids import new_ulid

# Each example has a store of its own, so that none has to be cleaned up after.
_STORES = itertools.count(1_000)
_SEGMENT = st.lists(st.integers(1, 12), min_size=1, max_size=15)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(segments=st.lists(_SEGMENT, min_size=1, max_size=4), cut=st.integers(0, 63))
def test_a_call_counts_once_in_whatever_segments_it_comes(
    shipper: Shipper,
    usage_database: Any,
    make_call: Callable[..., Any],
    tmp_path: Path,
    segments: Sequence[Sequence[int]],
    cut: int,
) -> None:
    """I3 and I4."""
    store = next(_STORES)
    whole: list[int] = []
    for numbers in segments:
        calls = [make_call(number, salt=store, environment_id=store) for number in numbers]
        rows = [call._replace(sequence=place + 1) for place, call in enumerate(calls)]
        data = b"".join(encode(row) for row in rows)
        (tmp_path / f"host-{new_ulid()}.usage").write_bytes(data[: len(data) - cut])
        whole += numbers if cut == 0 else numbers[:-1]
    shipper.ship_all()

    counted = usage_database.rows(
        f"SELECT (SELECT count(*)::int FROM billing_usageledger WHERE environment_id = {store}),"
        " (SELECT coalesce(sum(units), 0)::int FROM billing_usagebucket"
        f" WHERE environment_id = {store})"
    )
    assert counted == [(len(set(whole)), len(set(whole)))]
