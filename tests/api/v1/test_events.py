"""/v1/events: what is taken in, what counts once, and what each bad event is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from engine.models.event import Event
from engine.models.item import ItemRef
from engine.models.shopper import IdentityLink, Shopper
from saas.lib.config import config
from saas.lib.recent_events import anonymous_key, recent_list, user_key
from saas.lib.redis_client import redis_client
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.api.conftest import ApiClient, assert_problem
from tests.engine.statements import tenant_statements

if TYPE_CHECKING:
    from tests.conftest import Store

VIEW = {"type": "view", "user_id": "ada", "item_id": "pan-24", "ts": "2026-01-05T10:00:00Z"}
ORDER = {
    "type": "purchase",
    "user_id": "ada",
    "order_id": "o-1",
    "items": [{"id": "pan-24", "quantity": 2, "price": "39.90"}, {"id": "lid-24"}],
    "ts": "2026-01-05T11:00:00Z",
}


def _post(api: ApiClient, key: str, *events: Any, **members: Any) -> Any:
    answer = api.post("/v1/events", json={"events": list(events), **members}, key=key)
    assert answer.status_code == 202, answer.content
    return answer.json()


def _counts(answer: dict[str, Any]) -> tuple[int, int, int]:
    return answer["accepted"], answer["duplicates"], answer["rejected"]


def _listed(api: ApiClient, key: str, query: str = "") -> Any:
    answer = api.get(f"/v1/events{query}", key=key)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_one_event_is_taken_in_with_its_unknown_item_and_user(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    answer = api.post("/v1/events", json=VIEW, key=acorn_key)
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "errors": [],
        "warnings": [],
        "watermark": None,
    }
    with in_environment(acorn):
        ref = ItemRef.objects.get()
        assert (ref.ref, ref.item) == ("pan-24", None)
        assert list(Shopper.objects.values_list("kind", "external_id")) == [("user", "ada")]


def test_an_event_is_shown_as_it_was_sent(api: ApiClient, acorn_key: str) -> None:
    _post(api, acorn_key, {**ORDER, "event_id": "e-1", "value": 79.8, "context": {"page": "/"}})
    (event,) = _listed(api, acorn_key)
    assert event.pop("received_at").endswith("Z")
    assert event == {
        "event_id": "e-1",
        "type": "purchase",
        "user_id": "ada",
        "anonymous_id": None,
        "session_id": None,
        "items": [
            {"id": "pan-24", "quantity": 2, "price": "39.90", "line_id": None},
            {"id": "lid-24", "quantity": None, "price": None, "line_id": None},
        ],
        "ts": "2026-01-05T11:00:00Z",
        "order_id": "o-1",
        "value": "79.80",
        "currency": None,
        "query": None,
        "category": None,
        "recommendation_id": None,
        "placement": None,
        "context": {"page": "/"},
    }


def test_the_same_event_id_counts_once(api: ApiClient, acorn_key: str) -> None:
    event = {**VIEW, "event_id": "e-1"}
    assert _counts(_post(api, acorn_key, event, event)) == (1, 1, 0)
    assert _counts(_post(api, acorn_key, event)) == (0, 1, 0)


def test_the_same_event_id_with_other_content_is_a_conflict(api: ApiClient, acorn_key: str) -> None:
    event = {**VIEW, "event_id": "e-1"}
    other = {**event, "item_id": "lid-24"}
    answer = _post(api, acorn_key, event, other)
    assert _counts(answer) == (1, 0, 1)
    assert answer["errors"] == [
        {
            "index": 1,
            "pointer": "/events/1/event_id",
            "code": "event_id_conflict",
            "detail": "Event number 1 has event_id 'e-1', which came before with other content; "
            "send a new event with a new id.",
        }
    ]
    later = api.post("/v1/events", json=other, key=acorn_key)
    problem = assert_problem(later, 422, "rows_rejected")
    assert [error["code"] for error in problem["errors"]] == ["event_id_conflict"]


def test_equal_events_without_ids_are_as_many_and_a_retry_adds_none(
    api: ApiClient, acorn_key: str
) -> None:
    assert _counts(_post(api, acorn_key, VIEW, VIEW, VIEW)) == (3, 0, 0)
    assert _counts(_post(api, acorn_key, VIEW, VIEW, VIEW)) == (0, 3, 0)
    assert _counts(_post(api, acorn_key, VIEW, VIEW, VIEW, VIEW)) == (1, 3, 0)


def test_an_event_without_id_and_time_is_always_a_new_one(api: ApiClient, acorn_key: str) -> None:
    event = {"type": "view", "user_id": "ada", "item_id": "pan-24"}
    assert _counts(_post(api, acorn_key, event)) == (1, 0, 0)
    assert _counts(_post(api, acorn_key, event)) == (1, 0, 0)


def test_an_order_reported_by_page_and_server_counts_once(
    api: ApiClient, acorn: Environment, acorn_key: str, acorn_publishable_key: str
) -> None:
    page = {**ORDER, "anonymous_id": "tab", "event_id": "page-1"}
    del page["user_id"]
    sent = api.post(
        "/v1/events",
        json=page,
        key=acorn_publishable_key,
        headers={"Origin": "https://acorn-books.example"},
    )
    assert sent.status_code == 202, sent.content
    server = {**ORDER, "items": [*ORDER["items"], {"id": "pot-3l"}], "event_id": "server-1"}
    assert _counts(_post(api, acorn_key, server)) == (1, 0, 0)
    assert _counts(_post(api, acorn_key, {**ORDER, "event_id": "server-2"})) == (0, 1, 0)
    with in_environment(acorn):
        bought = Event.objects.order_by("source", "item_ref__ref", "id")
        assert list(bought.values_list("source", "line", "item_ref__ref")) == [
            ("browser", 1, "lid-24"),
            ("browser", 0, "pan-24"),
            ("server", 0, "pot-3l"),
        ]


def test_a_line_id_counts_once_and_lines_without_one_add_up(api: ApiClient, acorn_key: str) -> None:
    line = {"type": "purchase", "user_id": "ada", "order_id": "o-1", "item_id": "pan-24"}
    first = {**line, "line_id": "1", "event_id": "a"}
    assert _counts(_post(api, acorn_key, first, {**first, "event_id": "b"})) == (1, 1, 0)
    assert _counts(_post(api, acorn_key, {**first, "event_id": "c"})) == (0, 1, 0)
    assert _counts(_post(api, acorn_key, {**line, "event_id": "d"})) == (1, 0, 0)
    assert _counts(_post(api, acorn_key, {**line, "event_id": "e"})) == (1, 0, 0)


def test_both_ids_together_merge_the_visitor_with_the_user(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    _post(api, acorn_key, {**VIEW, "anonymous_id": "tab"})
    later = {**VIEW, "ts": "2026-01-06T10:00:00Z", "anonymous_id": "tab"}
    _post(api, acorn_key, later, {**later, "user_id": "ben", "ts": "2026-01-07T10:00:00Z"})
    with in_environment(acorn):
        links = IdentityLink.objects.order_by("valid_from")
        assert list(links.values_list("user__external_id", "valid_from")) == [
            ("ada", datetime(2026, 1, 5, 10, tzinfo=UTC)),
            ("ben", datetime(2026, 1, 7, 10, tzinfo=UTC)),
        ]


def test_a_page_cannot_name_a_user(api: ApiClient, acorn_publishable_key: str) -> None:
    sent = {"key": acorn_publishable_key, "headers": {"Origin": "https://acorn-books.example"}}
    assert_problem(api.post("/v1/events", json=VIEW, **sent), 403, "user_token_required")
    visitor = {**VIEW, "user_id": None, "anonymous_id": "tab"}
    assert api.post("/v1/events", json=visitor, **sent).status_code == 202
    assert_problem(api.get("/v1/events", **sent), 403, "insufficient_scope")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"type": "viewed"}, "/type", "unknown_event_type"),
        ({"type": "custom:"}, "/type", "unknown_event_type"),
        ({"type": None}, "/type", "missing_field"),
        ({"user_id": 17}, "/user_id", "invalid_type"),
        ({"user_id": "x" * 257}, "/user_id", "id_too_long"),
        ({"item_id": "pan\0"}, "/item_id", "invalid_text"),
        ({"user_id": None}, "", "missing_shopper"),
        ({"item_id": None}, "/item_id", "missing_field"),
        ({"items": [{"id": "lid-24"}]}, "/items", "conflicting_fields"),
        ({"item_id": None, "items": [{"quantity": 1}]}, "/items/0/id", "missing_field"),
        (
            {"item_id": None, "items": [{"id": "a", "quantity": 0}]},
            "/items/0/quantity",
            "invalid_quantity",
        ),
        ({"type": "search"}, "/query", "missing_field"),
        ({"type": "category_view"}, "/category", "missing_field"),
        ({"type": "refund"}, "/order_id", "missing_field"),
        ({"ts": "2026-01-05T10:00:00"}, "/ts", "invalid_datetime"),
        ({"ts": 1767607200}, "/ts", "invalid_datetime"),
        ({"ts": "2026-13-05T10:00:00Z"}, "/ts", "invalid_datetime"),
        ({"price": "abc"}, "/price", "invalid_price"),
        ({"currency": "eur"}, "/currency", "invalid_currency"),
        ({"context": {"deep": ["\0"]}}, "/context", "invalid_text"),
    ],
)
def test_a_bad_event_is_named_and_the_good_one_beside_it_stored(
    api: ApiClient, acorn_key: str, change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = _post(api, acorn_key, VIEW, {**VIEW, **change})
    assert _counts(answer) == (1, 0, 1)
    (error,) = answer["errors"]
    assert (error["index"], error["pointer"], error["code"]) == (1, f"/events/1{pointer}", code)
    assert len(_listed(api, acorn_key)) == 1
    alone = api.post("/v1/events", json={**VIEW, **change}, key=acorn_key)
    problem = assert_problem(alone, 422, "rows_rejected")
    assert (problem["accepted"], problem["rejected"]) == (0, 1)
    assert problem["errors"][0]["pointer"] == pointer


def test_a_bad_value_is_told_in_one_sentence(api: ApiClient, acorn_key: str) -> None:
    answer = _post(api, acorn_key, VIEW, {**VIEW, "item_id": 17}, "view")
    assert [error["detail"] for error in answer["errors"]] == [
        "Event number 1 has item_id 17; send a string.",
        'Event number 2 is no object; send {"type": "view", …}.',
    ]


def test_a_time_over_24_hours_ahead_is_refused_unless_sent_at_explains_it(
    api: ApiClient, acorn_key: str
) -> None:
    now = timezone.now()
    soon = {**VIEW, "ts": (now + timedelta(hours=23)).isoformat()}
    ahead = {**VIEW, "ts": (now + timedelta(hours=25)).isoformat()}
    answer = _post(api, acorn_key, soon, ahead)
    assert [(each["pointer"], each["code"]) for each in answer["errors"]] == [
        ("/events/1/ts", "timestamp_out_of_range")
    ]
    skewed = _post(api, acorn_key, ahead, sent_at=(now + timedelta(hours=25)).isoformat())
    assert _counts(skewed) == (1, 0, 0)
    shown = datetime.fromisoformat(_listed(api, acorn_key)[1]["ts"])
    assert abs(shown - now) < timedelta(seconds=5)


def test_an_unknown_field_is_a_warning(api: ApiClient, acorn_key: str) -> None:
    answer = _post(api, acorn_key, {**VIEW, "colour": "red"}, sentat="2026-01-05T10:00:00Z")
    assert _counts(answer) == (1, 0, 0)
    assert [(each["pointer"], each["code"]) for each in answer["warnings"]] == [
        ("/events/0/colour", "unknown_field"),
        ("/sentat", "unknown_field"),
    ]


def test_of_very_many_unknown_fields_the_first_are_named_and_shortened(
    api: ApiClient, acorn_key: str
) -> None:
    many = {f"{number}{'x' * 1_000}": 1 for number in range(1_000)}
    answer = _post(api, acorn_key, {**VIEW, **many}, **many)
    assert [len(each["pointer"]) for each in answer["warnings"]] == [
        *[len("/events/0/") + 128] * 20,
        *[len("/") + 80] * 20,
    ]


def test_a_request_has_at_most_1000_events(api: ApiClient, acorn_key: str) -> None:
    answer = api.post("/v1/events", json={"events": [VIEW] * 1001}, key=acorn_key)
    assert_problem(answer, 413, "batch_too_large")


@pytest.mark.parametrize("body", [[], "view", {"events": {}}, {"events": [], "sent_at": "now"}])
def test_an_envelope_that_cannot_be_read_is_refused(
    api: ApiClient, acorn_key: str, body: Any
) -> None:
    assert_problem(api.post("/v1/events", json=body, key=acorn_key), 400, "invalid_parameter")


def test_events_are_found_by_each_filter_newest_first(api: ApiClient, acorn_key: str) -> None:
    search = {"type": "search", "anonymous_id": "tab", "query": "pan", "ts": "2026-01-04T10:00:00Z"}
    _post(api, acorn_key, VIEW, ORDER, search)
    types = [event["type"] for event in _listed(api, acorn_key)]
    assert types == ["purchase", "view", "search"]
    for query, found in (
        ("?user_id=ada", ["purchase", "view"]),
        ("?anonymous_id=tab", ["search"]),
        ("?order_id=o-1", ["purchase"]),
        ("?item_id=lid-24", ["purchase"]),
        ("?type=view", ["view"]),
        ("?since=2026-01-05T10:00:00Z", ["purchase", "view"]),
        ("?until=2026-01-05T10:00:00Z", ["search"]),
        ("?user_id=nobody", []),
        ("?user_id=ada&type=view&since=2026-01-05T10:00:00Z", ["view"]),
    ):
        assert [event["type"] for event in _listed(api, acorn_key, query)] == found, query


def test_pages_of_events_hold_each_once(api: ApiClient, acorn_key: str) -> None:
    _post(api, acorn_key, *({**VIEW, "event_id": f"e{number}"} for number in range(5)))
    seen: list[str] = []
    cursor = ""
    for size in (2, 2, 1):
        answer = api.get(f"/v1/events?limit=2{cursor}", key=acorn_key).json()
        assert len(answer["data"]) == size
        seen += [event["event_id"] for event in answer["data"]]
        cursor = f"&cursor={answer['next_cursor']}"
    assert sorted(seen) == ["e0", "e1", "e2", "e3", "e4"]


@pytest.mark.parametrize("query", ["since=yesterday", "user_id=", "shop=acorn", "cursor=W10"])
def test_a_bad_filter_is_refused(api: ApiClient, acorn_key: str, query: str) -> None:
    assert_problem(api.get(f"/v1/events?{query}", key=acorn_key), 400, "invalid_parameter")


def test_an_event_can_be_taken_back_by_its_id(api: ApiClient, acorn_key: str) -> None:
    _post(api, acorn_key, {**ORDER, "event_id": "a/b"}, VIEW)
    unnamed = _listed(api, acorn_key, "?type=view")[0]["event_id"]
    for path in ("a%2Fb", unnamed):
        assert api.delete(f"/v1/events/{path}", key=acorn_key).status_code == 204
        assert_problem(api.delete(f"/v1/events/{path}", key=acorn_key), 404, "not_found")
    assert _listed(api, acorn_key) == []


def test_another_store_neither_sees_nor_deletes_events(
    api: ApiClient, acorn_key: str, birch_key: str
) -> None:
    _post(api, acorn_key, {**VIEW, "event_id": "e-1"})
    assert _listed(api, birch_key) == []
    assert_problem(api.delete("/v1/events/e-1", key=birch_key), 404, "not_found")
    assert _counts(_post(api, birch_key, {**VIEW, "event_id": "e-1"})) == (1, 0, 0)


@pytest.mark.parametrize("size", [1, 200])
def test_events_are_one_statement_whatever_their_number(
    api: ApiClient, acorn_key: str, size: int
) -> None:
    events = [{**VIEW, "event_id": f"e{number}", "user_id": f"u{number}"} for number in range(size)]
    with tenant_statements() as statements:
        _post(api, acorn_key, *events)
    assert _about_events(statements) == 1, statements
    with tenant_statements() as statements:
        _post(api, acorn_key, *events)
    # And look at what the known ones say.
    assert _about_events(statements) == 2, statements


def _about_events(statements: list[str]) -> int:
    return sum("engine_event" in statement for statement in statements)


def test_a_page_of_events_takes_two_statements(api: ApiClient, acorn_key: str) -> None:
    _post(api, acorn_key, VIEW, ORDER)
    with tenant_statements() as statements:
        _listed(api, acorn_key, "?user_id=ada")
    assert len(statements) == 2, statements


@pytest.mark.parametrize(
    ("query", "index"),
    [("", "event_newest"), ("?type=view", "event_newest"), ("?item_id=x", "event_item")],
)
def test_a_page_of_events_does_not_read_the_whole_table(
    api: ApiClient, acorn: Environment, acorn_key: str, query: str, index: str
) -> None:
    # In a small table any way is as good as another, so all but one are forbidden.
    _post(api, acorn_key, *({**VIEW, "item_id": f"item-{n}"} for n in range(1_000)))
    with tenant_statements() as statements:
        _listed(api, acorn_key, query)
    with in_environment(acorn), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        # Only an index on a condition makes a bitmap.
        other = "enable_sort" if index == "event_newest" else "enable_indexscan"
        cursor.execute(f"SET LOCAL {other} = off")
        cursor.execute(f"EXPLAIN {statements[0]}")
        assert index in str(cursor.fetchall())


@pytest.fixture
def committed(acorn_store: Store) -> Iterator[Store]:
    """Acorn Books with real commits; what a test leaves is removed."""
    yield acorn_store
    with in_environment(acorn_store.live):
        for model in (Event, IdentityLink, Shopper, ItemRef):
            model.objects.all().delete()
    redis_client().flushdb()


def _recent(store: Store, shopper_key: str) -> list[Any]:
    entries = redis_client().lrange(recent_list(store.live.pk, shopper_key), 0, -1)
    return [orjson.loads(entry) for entry in entries]


def test_after_the_commit_serving_knows_the_events_and_the_answer_its_watermark(
    committed: Store,
) -> None:
    api = ApiClient()
    first = _post(api, committed.key, VIEW, ORDER)["watermark"]
    epoch, n = first.split("-")
    assert _recent(committed, user_key("ada")) == [
        ["lid-24", "purchase", 1767610800000],
        ["pan-24", "purchase", 1767610800000],
        ["pan-24", "view", 1767607200000],
    ]
    assert _post(api, committed.key, VIEW)["watermark"] == f"{epoch}-{int(n) + 1}"


def test_a_merge_moves_what_the_visitor_did_to_the_user(committed: Store) -> None:
    api = ApiClient()
    visitor = {**VIEW, "user_id": None, "anonymous_id": "tab"}
    _post(api, committed.key, visitor)
    assert _recent(committed, anonymous_key("tab")) == [["pan-24", "view", 1767607200000]]
    _post(api, committed.key, {**VIEW, "anonymous_id": "tab", "item_id": "lid-24"})
    assert _recent(committed, anonymous_key("tab")) == []
    assert [entry[0] for entry in _recent(committed, user_key("ada"))] == ["lid-24", "pan-24"]


def test_without_redis_events_are_accepted_and_the_watermark_is_null(
    committed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = config().model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    monkeypatch.setattr("saas.lib.redis_client.config", lambda: away)
    redis_client.cache_clear()
    try:
        answer = _post(ApiClient(), committed.key, VIEW)
    finally:
        redis_client().close()
        redis_client.cache_clear()
        monkeypatch.undo()
    assert (_counts(answer), answer["watermark"]) == ((1, 0, 0), None)


def test_a_request_with_too_many_items_in_all_is_refused(api: ApiClient, acorn_key: str) -> None:
    full = {**ORDER, "items": [{"id": "i"}] * 500}
    many = {"events": [{**full, "event_id": f"e{number}"} for number in range(21)]}
    answer = api.post("/v1/events", key=acorn_key, json=many)
    assert_problem(answer, 413, "batch_too_large")
    # Each event for itself has at most 500.
    answer = api.post("/v1/events", key=acorn_key, json={**ORDER, "items": [{"id": "i"}] * 501})
    (error,) = assert_problem(answer, 422, "rows_rejected")["errors"]
    assert (error["pointer"], error["code"]) == ("/items", "invalid_type")
