"""/v1/data-quality: what is wrong with what a store sends, how much of it, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.models.item import ItemRef
from engine.selectors import event_quality
from engine.services.ingest_events import ingest_events
from tenants.context import in_environment
from tenants.db.connection import connection
from tenants.models.environment import Environment
from tests.api.conftest import ApiClient
from tests.engine.statements import tenant_statements

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _look(api: ApiClient, key: str) -> Any:
    answer = api.get("/v1/data-quality", key=key)
    assert answer.status_code == 200, answer.content
    return answer.json()


def _finding(api: ApiClient, key: str, code: str) -> Any:
    found = {each["code"]: each for each in _look(api, key)["findings"]}
    finding = found.get(code)
    if finding is not None:
        assert finding.pop("detail").endswith(".")
        assert finding.pop("code") == code
    return finding


def _items(api: ApiClient, key: str, *items: dict[str, Any]) -> None:
    rows = [{"title": "T", **item} for item in items]
    answer = api.post("/v1/items:batch", json={"items": rows}, key=key)
    assert answer.json()["rejected"] == 0, answer.content


def _send(environment: Environment, *events: dict[str, Any], source: str = "server") -> None:
    rows = [
        {"type": "view", "event_id": f"e{number}", "ts": NOON.isoformat()} | event
        for number, event in enumerate(events)
    ]
    with in_environment(environment):
        done = ingest_events(environment=environment, rows=rows, received_at=NOON, source=source)
    assert done.rejected == 0


def test_an_empty_store_has_nothing_wrong(api: ApiClient, acorn_key: str) -> None:
    look = _look(api, acorn_key)
    assert look["findings"] == []
    assert look["events"] == {"lines": 0, "events": 0, "since": None, "match_rate": {}}
    assert look["catalogue"]["items"] == 0
    assert look["catalogue"]["fields"]["title"] == 0.0


def test_event_ids_are_matched_with_ids_aliases_and_groups(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    _items(api, acorn_key, {"id": "a", "aliases": ["alias"]}, {"id": "b", "group_id": "group"})
    ada = {"user_id": "ada"}
    _send(
        acorn,
        *({**ada, "item_id": name} for name in ("a", "alias", "group", "ghost")),
        {**ada, "type": "cart", "items": [{"id": "ghost"}, {"id": "ghost"}, {"id": "spirit"}]},
        {**ada, "type": "search", "query": "pan"},
    )
    look = _look(api, acorn_key)
    assert look["events"]["match_rate"] == {
        "view": {"lines": 4, "matched": 3, "share": 0.75},
        "cart": {"lines": 3, "matched": 0, "share": 0.0},
    }
    assert (look["events"]["lines"], look["events"]["events"]) == (8, 6)
    assert _finding(api, acorn_key, "unknown_items") == {
        "count": 4,
        "share": 0.5714,  # 4 of 7
        "of": "lines",
        "samples": [{"item_id": "ghost", "lines": 3}, {"item_id": "spirit", "lines": 1}],
    }
    _items(api, acorn_key, {"id": "ghost", "aliases": ["spirit"]})
    assert _finding(api, acorn_key, "unknown_items") is None


def test_events_of_nobody_are_counted(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    _items(api, acorn_key, {"id": "a"})
    _send(
        acorn,
        {"session_id": "s", "item_id": "a"},
        {"anonymous_id": "tab", "item_id": "a"},
        {"type": "purchase", "order_id": "o", "items": [{"id": "a"}, {"id": "a", "line_id": "2"}]},
        {"user_id": "ada", "item_id": "a"},
    )
    assert _finding(api, acorn_key, "no_shopper") == {
        "count": 2,
        "share": 0.5,
        "of": "events",
        "samples": [
            {"event_id": "e2", "type": "purchase"},
            {"event_id": "e0", "type": "view"},
        ],
    }


def test_events_of_the_future_are_counted(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    soon, later = NOON + timedelta(seconds=50), NOON + timedelta(hours=3)
    _send(
        acorn,
        {"user_id": "ada", "item_id": "a", "ts": soon.isoformat()},
        {"user_id": "ada", "item_id": "a", "ts": later.isoformat()},
    )
    finding = _finding(api, acorn_key, "future_times")
    assert (finding["count"], finding["share"]) == (1, 0.5)
    assert finding["samples"][0]["event_id"] == "e1"


def test_a_tag_that_fires_twice_is_noticed(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    view = {"user_id": "ada", "item_id": "a"}
    twice = NOON + timedelta(milliseconds=300)
    later = NOON + timedelta(seconds=3)
    _send(acorn, view, {**view, "ts": twice.isoformat()}, {**view, "ts": later.isoformat()})
    assert _finding(api, acorn_key, "duplicates") == {
        "count": 1,
        "share": 0.3333,
        "of": "lines",
        "samples": [{"event_id": "e0", "type": "view", "times": 2}],
    }


def test_equal_lines_of_an_order_and_of_a_file_are_no_duplicates(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    view = {"user_id": "ada", "item_id": "a"}
    _send(acorn, view, {**view, "event_id": "day"}, source="import")
    order = {"type": "purchase", "user_id": "ada", "item_id": "a"}
    _send(
        acorn,
        {**order, "order_id": "o", "event_id": "p1"},
        {**order, "order_id": "o", "event_id": "p2"},
        {"type": "cart", "user_id": "ada", "items": [{"id": "a"}, {"id": "a"}], "event_id": "c"},
    )
    assert _finding(api, acorn_key, "duplicates") is None


def test_items_that_sell_at_another_price_have_a_stale_one(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    _items(
        api,
        acorn_key,
        {"id": "risen", "price": 10, "currency": "EUR"},
        {"id": "same", "price": 10, "currency": "EUR"},
        {"id": "abroad", "price": 10, "currency": "EUR"},
    )
    after = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    sold = {"type": "purchase", "user_id": "ada", "ts": after}
    with in_environment(acorn):
        ingest_events(
            environment=acorn,
            rows=[
                {**sold, "order_id": "1", "items": [{"id": "risen", "price": 12.5}]},
                {**sold, "order_id": "2", "items": [{"id": "same", "price": 10.05}]},
                {**sold, "order_id": "3", "item_id": "abroad", "price": 12, "currency": "CHF"},
                {**sold, "order_id": "4", "item_id": "same", "price": 99, "ts": before},
            ],
            received_at=datetime.now(UTC),
        )
    finding = _finding(api, acorn_key, "stale_prices")
    assert (finding["count"], finding["share"], finding["of"]) == (1, 0.5, "items")
    (sample,) = finding["samples"]
    assert (sample["item_id"], sample["price"], sample["sold_at"]) == ("risen", "10", "12.5")


def test_each_field_and_attribute_has_its_share_of_the_items(
    api: ApiClient, acorn_key: str
) -> None:
    _items(
        api,
        acorn_key,
        {"id": "a", "brand": "Ember", "price": 1, "attributes": {"colour": "red", "width": 24}},
        {"id": "b", "brand": "", "categories": ["Kitchen"], "attributes": {"colour": "red"}},
        {"id": "c", "url": "https://acorn.example/c"},
        {"id": "d", "deleted": True},
    )
    catalogue = _look(api, acorn_key)["catalogue"]
    assert catalogue == {
        "items": 3,
        "is_sample": False,
        "fields": {
            "title": 1.0,
            "description": 0.0,
            "categories": 0.3333,
            "brand": 0.3333,
            "price": 0.3333,
            "image_url": 0.0,
            "url": 0.3333,
        },
        "attributes": {"colour": 0.6667, "width": 0.3333},
    }
    assert _finding(api, acorn_key, "missing_brand") == {
        "count": 2,
        "share": 0.6667,
        "of": "items",
        "samples": [{"item_id": "b"}, {"item_id": "c"}],
    }
    assert _finding(api, acorn_key, "missing_title") is None
    unpriced = _finding(api, acorn_key, "price_without_currency")
    assert (unpriced["count"], unpriced["samples"]) == (1, [{"item_id": "a"}])


def test_values_that_contradict_a_declaration_or_the_others_are_counted(
    api: ApiClient, acorn_key: str
) -> None:
    _items(
        api,
        acorn_key,
        {"id": "a", "attributes": {"width": 24, "colour": "red", "fits": ["gas"]}},
        {"id": "b", "attributes": {"width": "wide", "colour": "red", "fits": ["gas"]}},
        {"id": "c", "attributes": {"width": "narrow", "colour": 5, "fits": ["gas"]}},
    )
    api.put("/v1/attributes/width", json={"type": "number"}, key=acorn_key)
    assert _finding(api, acorn_key, "contrary_attribute_types") == {
        "count": 3,
        "share": 0.3333,  # 3 of 9
        "of": "values",
        "samples": [
            {"item_id": "b", "attribute": "width", "value": "wide", "expected": "number"},
            {"item_id": "c", "attribute": "colour", "value": 5, "expected": "string"},
            {"item_id": "c", "attribute": "width", "value": "narrow", "expected": "number"},
        ],
    }


def test_an_alias_that_became_another_items_id_is_named(api: ApiClient, acorn_key: str) -> None:
    _items(api, acorn_key, {"id": "a", "aliases": ["b", "c"]})
    assert _finding(api, acorn_key, "shadowed_aliases") is None
    _items(api, acorn_key, {"id": "b"})
    assert _finding(api, acorn_key, "shadowed_aliases") == {
        "count": 1,
        "share": 0.5,
        "of": "aliases",
        "samples": [{"item_id": "a", "alias": "b"}],
    }


def test_the_worst_comes_first_with_at_most_ten_samples(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    _send(acorn, *({"user_id": "ada", "item_id": f"ghost-{number}"} for number in range(12)))
    _items(api, acorn_key, *({"id": f"i{number}", "brand": "E"} for number in range(12)))
    findings = _look(api, acorn_key)["findings"]
    shares = [each["share"] for each in findings]
    assert shares == sorted(shares, reverse=True)
    assert {len(each["samples"]) for each in findings} == {10}


@pytest.fixture
def many_events(acorn: Environment) -> Environment:
    """20,000 events, ten of each item: enough for an index to be worth its while."""
    with in_environment(acorn), connection.cursor() as cursor:
        ItemRef.objects.bulk_create([ItemRef(ref=f"i{number}") for number in range(2_000)])
        cursor.execute(
            """
            INSERT INTO engine_event (event_key, line, content_digest, source, type, occurred_at,
                received_at, session_id, item_ref_id)
            SELECT gen_random_uuid(), 0, '', 'server', 'impression', now(), now(), 's', id
            FROM generate_series(1, 10), engine_itemref
            """
        )
    return acorn


def _rows_read(environment: Environment, table: str) -> tuple[int, int]:
    """Return the rows that this transaction read by scans and by indexes."""
    with in_environment(environment), connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = %s"
            "::regclass",
            [table],
        )
        scanned, fetched = cursor.fetchone()
    return scanned, fetched or 0


def test_a_look_reads_as_many_events_whatever_a_store_has_sent(
    api: ApiClient,
    acorn_key: str,
    many_events: Environment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_quality, "LINES_LOOKED_AT", 100)
    before = {table: _rows_read(many_events, table) for table in ("engine_event", "engine_itemref")}
    with tenant_statements() as statements:
        look = _look(api, acorn_key)
    assert look["events"]["match_rate"]["impression"]["lines"] == 100
    for table, most in (("engine_event", 100), ("engine_itemref", 200)):
        scanned, fetched = _rows_read(many_events, table)
        assert scanned == before[table][0], table
        assert fetched - before[table][1] <= most, table
    # Events, then the catalogue's size, fields, attributes, declarations and aliases.
    assert len(statements) <= 8, statements
