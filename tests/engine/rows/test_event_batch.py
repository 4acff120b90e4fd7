"""How the events of a request are told apart and set right, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.rows.event_batch import read_arrival, read_event_batch
from engine.rows.event_key import id_of_key, key_of_id
from engine.rows.event_row import Arrival

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
VIEW: dict[str, Any] = {
    "type": "view",
    "user_id": "ada",
    "item_id": "pan-24",
    "ts": "2026-01-05T11:00:00Z",
}


def test_the_first_of_equal_ids_counts() -> None:
    event = {**VIEW, "event_id": "e"}
    batch = read_event_batch(
        [event, {**event}, {**event, "user_id": "ben"}], arrival=Arrival(received_at=NOON)
    )
    assert (len(batch.rows), batch.duplicates, batch.rejected) == (1, 1, 1)


def test_the_order_of_members_makes_no_other_event() -> None:
    turned = dict(reversed(VIEW.items()))
    first, second = (
        read_event_batch([event], arrival=Arrival(received_at=NOON)) for event in (VIEW, turned)
    )
    assert list(first.rows) == list(second.rows)


def test_equal_events_get_keys_by_ordinal_that_a_retry_repeats() -> None:
    first, again = (
        read_event_batch([VIEW, VIEW], arrival=Arrival(received_at=at))
        for at in (NOON, NOON + timedelta(minutes=1))
    )
    assert len(first.rows) == 2
    assert list(first.rows) == list(again.rows)


def test_a_name_that_we_gave_leads_back_to_the_event() -> None:
    key = next(iter(read_event_batch([VIEW], arrival=Arrival(received_at=NOON)).rows))
    assert key_of_id(id_of_key(key)) == key


@pytest.mark.parametrize(
    ("sent_at", "hours"),
    [
        ("2026-01-05T12:00:00Z", 0),
        ("2026-01-05T11:59:57Z", 0),
        ("2026-01-05T10:00:00Z", 2),
        ("2026-01-05T15:00:00Z", -3),
    ],
)
def test_a_skewed_clock_is_corrected_and_the_network_is_not(sent_at: str, hours: int) -> None:
    arrival = read_arrival(received_at=NOON, sent_at=sent_at)
    assert arrival.correction == timedelta(hours=hours)


def test_an_event_without_time_happened_when_it_came() -> None:
    event = {name: value for name, value in VIEW.items() if name != "ts"}
    arrival = read_arrival(received_at=NOON, sent_at="2026-01-05T10:00:00Z")
    (row,) = read_event_batch([event], arrival=arrival).rows.values()
    assert row.occurred_at == NOON


def test_the_future_begins_24_hours_ahead() -> None:
    times = [(NOON + timedelta(hours=24, seconds=late)).isoformat() for late in (0, 1)]
    batch = read_event_batch(
        [{**VIEW, "ts": ts} for ts in times], arrival=Arrival(received_at=NOON)
    )
    assert [(error.index, error.code) for error in batch.errors] == [(1, "timestamp_out_of_range")]


@pytest.mark.parametrize(
    ("ts", "sent_at"),
    [
        ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"),
    ],
)
def test_a_time_that_its_correction_takes_off_the_calendar_is_out_of_range(
    ts: str, sent_at: str
) -> None:
    arrival = read_arrival(received_at=NOON, sent_at=sent_at)
    batch = read_event_batch([{**VIEW, "ts": ts}], arrival=arrival)
    assert [error.code for error in batch.errors] == ["timestamp_out_of_range"]


def test_several_errors_of_one_event_are_all_told() -> None:
    batch = read_event_batch(
        [{**VIEW, "item_id": 7, "price": "x"}], arrival=Arrival(received_at=NOON)
    )
    assert batch.rejected == 1
    assert [error.pointer for error in batch.errors] == ["/events/0/item_id", "/events/0/price"]
