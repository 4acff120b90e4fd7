"""The same event in other words is a duplicate; another event under its id is a conflict."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.services.ingest_events import ingest_events
from saas.lib.errors import RowsRejected
from tenants.context import in_environment
from tenants.models.environment import Environment

RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "type": "cart",
    "event_id": "e",
    "user_id": "u",
    "item_id": "lamp",
    "price": 12.9,
    "ts": "2026-05-01T13:02:11+02:00",
    "context": {"page": "home", "depth": 3},
}
ORDER: dict[str, Any] = {
    "type": "purchase",
    "event_id": "o",
    "user_id": "u",
    "order_id": "9",
    "items": [{"id": "lamp"}, {"id": "vase", "quantity": 2}],
    "ts": "2026-05-01T13:02:11Z",
}


def take(environment: Environment, row: dict[str, Any]) -> str:
    """Return what came of one event."""
    with in_environment(environment):
        try:
            result = ingest_events(environment=environment, rows=[row], received_at=RECEIVED)
        except RowsRejected as refused:
            return refused.errors[0].code
    return "duplicate" if result.duplicates else "accepted"


@pytest.mark.parametrize(
    "change",
    [
        {"price": "12.90"},
        {"ts": "2026-05-01T11:02:11.000Z"},
        {"query": None},
        {"context": {"depth": 3.0, "page": "home"}},
        {"item_id": None, "price": None, "items": [{"id": "lamp", "price": "12.9000"}]},
    ],
)
def test_other_words_say_the_same(acorn: Environment, change: dict[str, Any]) -> None:
    assert take(acorn, EVENT) == "accepted"
    assert take(acorn, EVENT | change) == "duplicate"


@pytest.mark.parametrize(
    "change",
    [
        {"type": "view"},
        {"user_id": "somebody"},
        {"anonymous_id": "somebody"},
        {"item_id": "vase"},
        {"price": "12.91"},
        {"price": None},
        {"quantity": 1},
        {"ts": "2026-05-01T11:02:12Z"},
        {"context": {"page": "home", "depth": 4}},
        {"placement": "home"},
    ],
)
def test_other_content_is_a_conflict(acorn: Environment, change: dict[str, Any]) -> None:
    assert take(acorn, EVENT) == "accepted"
    assert take(acorn, EVENT | change) == "event_id_conflict"


def test_what_another_report_of_an_order_brought_is_no_other_content(acorn: Environment) -> None:
    assert take(acorn, ORDER) == "accepted"
    assert take(acorn, ORDER | {"items": ORDER["items"][:1]}) == "duplicate"
    assert take(acorn, ORDER | {"items": [{"id": "pan"}]}) == "event_id_conflict"


def test_an_event_that_is_no_order_has_all_its_items(acorn: Environment) -> None:
    event = {**ORDER, "type": "view"}
    del event["order_id"]
    assert take(acorn, event) == "accepted"
    assert take(acorn, event | {"items": event["items"][:1]}) == "event_id_conflict"
