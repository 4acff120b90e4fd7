"""What is read together is what would be read one by one; what is odd is left to that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rows.event_row import Arrival, EventRow, read_event_row
from engine.rows.plain_events import read_plain_events

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VIEW = {
    "type": "view",
    "user_id": "ada",
    "item_id": "pan/24",
    "ts": "2026-03-01T10:00:00.25+02:00",
    "event_id": "e-1",
}
LATER = NOW + timedelta(hours=24, seconds=1)

TEXTS = st.one_of(
    st.sampled_from(["", "a", "tab\there", "\x1f", "nul\0", "\ud800", "é", "x" * 256, "x" * 257]),
    st.text(max_size=5),
)
TIMES = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.sampled_from(
        [
            "2026-03-01T10:00:00Z",
            "2026-03-01t10:00:00z",
            "2026-03-01 10:00:00Z",
            "2026-03-01T10:00:00",
            "2026-03-01T10:00:00.123456789Z",
            "2026-03-01T24:00:00Z",
            "2026-02-30T10:00:00Z",
            "2026-03-01T10:00:60Z",
            "2026-03-01T10:00:00+24:00",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "2026-W09-7T10:00:00Z",
            "\uff12026-03-01T10:00:00Z",
            "2026-03-01T10:00:00Z\n",
            LATER.isoformat(),
        ]
    ),
)
ODD: list[Any] = [None, 1, True, 1.5, [], {}]
VALUES = st.one_of(TEXTS, st.sampled_from(ODD))
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["view", "cart", "refund", "search", "custom:x", "vieww", "", 1]),
        "ts": st.one_of(TIMES, VALUES),
        **dict.fromkeys(
            ["user_id", "anonymous_id", "session_id", "item_id", "event_id", "order_id"], VALUES
        ),
        **dict.fromkeys(["quantity", "price", "query", "unknown"], VALUES),
    },
)
CORRECTIONS = st.sampled_from([timedelta(0), timedelta(days=-2), timedelta(hours=3)])


def one_by_one(row: Any, *, index: int, arrival: Arrival) -> Any:
    return read_event_row(row, index=index, pointer="/events/{index}", arrival=arrival, warnings=[])


def together(rows: list[Any], *, arrival: Arrival) -> dict[int, EventRow]:
    return read_plain_events(rows, arrival=arrival, pointer="/events/{index}")


def said(row: EventRow) -> dict[str, Any]:
    """Return all of an event; of what it said about its time only that it did."""
    values = {name: each for name, each in row.values.items() if name != "ts"}
    return msgspec.structs.asdict(row) | {"values": values, "has_time": "ts" in row.values}


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS.map(lambda event: VIEW | event), min_size=1, max_size=3), CORRECTIONS)
def test_a_plain_event_is_read_as_it_is_read_alone(rows: list[Any], off: timedelta) -> None:
    arrival = Arrival(received_at=NOW, correction=off)
    for index, row in together(rows, arrival=arrival).items():
        alone = one_by_one(rows[index], index=index, arrival=arrival)
        assert isinstance(alone, EventRow)
        if "ts" in rows[index] or "event_id" in rows[index]:
            assert said(row) == said(alone)
        else:
            assert said(row) | {"key": alone.key} == said(alone)
        assert row.place == alone.place


def test_most_events_are_plain() -> None:
    cart = {"type": "cart", "anonymous_id": "tab", "session_id": "s", "item_id": "pan/24"}
    found = together([VIEW, cart], arrival=Arrival(received_at=NOW))
    assert list(found) == [0, 1]
    assert found[0].occurred_at == datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)
    assert found[1].occurred_at == NOW


def test_an_event_with_more_than_texts_leaves_the_others_plain() -> None:
    rows = [VIEW, VIEW | {"event_id": "e-2", "price": 12.9}, [], VIEW | {"event_id": "e-3"}]
    assert list(together(rows, arrival=Arrival(received_at=NOW))) == [0, 3]


@pytest.mark.parametrize(
    "odd",
    [
        {"user_id": ""},
        {"user_id": None},
        {"user_id": 7},
        {"user_id": "x" * 257},
        {"item_id": "pan\0"},
        {"type": "refund"},
        {"type": "search"},
        {"type": "vieww"},
        {"ts": "2026-03-01T10:00:00"},
        {"ts": "2026-02-30T10:00:00Z"},
        {"ts": LATER.isoformat()},
    ],
)
def test_what_is_odd_is_left_to_be_explained(odd: dict[str, Any]) -> None:
    assert together([VIEW | odd], arrival=Arrival(received_at=NOW)) == {}


@pytest.mark.parametrize("missing", ["type", "item_id", "user_id"])
def test_what_lacks_something_is_left_to_be_explained(missing: str) -> None:
    row = {name: value for name, value in VIEW.items() if name != missing}
    assert together([row], arrival=Arrival(received_at=NOW)) == {}
