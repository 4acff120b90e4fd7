"""/v1/collect: payloads that a shop sends to other tools already."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.models.event import Event
from engine.models.shopper import IdentityLink
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.api.conftest import ApiClient, assert_problem
from tests.api.v1.test_user_tokens import token_for
from tests.engine.rows.test_ga4 import PURCHASE
from tests.engine.rows.test_segment import ORDER

SHOP = "https://acorn-books.example"


def collect(api: ApiClient, tool: str, key: str, body: Any) -> dict[str, Any]:
    answer = api.post(f"/v1/collect/{tool}", key=key, json=body, headers={"Origin": SHOP})
    assert answer.status_code == 202, answer.content
    return dict(answer.json())


def counts(answer: dict[str, Any]) -> tuple[int, int, int]:
    return (answer["accepted"], answer["duplicates"], answer["rejected"])


def stored(environment: Environment) -> list[tuple[Any, ...]]:
    with in_environment(environment):
        return list(
            Event.objects.order_by("id").values_list(
                "type", "item_ref__ref", "quantity", "order_id", "anonymous__external_id"
            )
        )


def linked(environment: Environment) -> list[tuple[str, str]]:
    with in_environment(environment):
        links = IdentityLink.objects.order_by("valid_from")
        return list(links.values_list("anonymous__external_id", "user__external_id"))


def test_a_ga4_purchase_is_stored_and_counts_once(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    assert counts(collect(api, "ga4", acorn_key, PURCHASE)) == (1, 0, 0)
    assert counts(collect(api, "ga4", acorn_key, PURCHASE)) == (0, 1, 0)
    client_id = PURCHASE["client_id"]
    assert stored(acorn) == [
        ("purchase", "SKU_12345", 1, "T_12345", client_id),
        ("purchase", "12346", 1, "T_12345", client_id),
    ]
    assert linked(acorn) == [(client_id, "ada")]


def test_a_segment_order_is_stored_and_counts_once(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    batch = {"batch": [ORDER], "sentAt": "2023-11-14T22:13:21.000Z"}
    assert counts(collect(api, "segment", acorn_key, batch)) == (1, 0, 0)
    later = {**batch, "sentAt": "2023-11-14T22:13:51.000Z"}
    assert counts(collect(api, "segment", acorn_key, later)) == (0, 1, 0)
    assert [row[:3] for row in stored(acorn)] == [
        ("purchase", "507f1f77bcf86cd799439011", 1),
        ("purchase", "46493-32", 2),
    ]


def test_an_order_from_page_and_server_counts_once(
    api: ApiClient, acorn: Environment, acorn_key: str, acorn_publishable_key: str
) -> None:
    page = {name: value for name, value in PURCHASE.items() if name != "user_id"}
    assert counts(collect(api, "ga4", acorn_publishable_key, page)) == (1, 0, 0)
    products = [{"product_id": "SKU_12345"}, {"product_id": "12346"}]
    server = {**ORDER, "properties": {"order_id": "T_12345", "products": products}}
    assert counts(collect(api, "segment", acorn_key, server)) == (0, 1, 0)
    assert len(stored(acorn)) == 2


def test_an_identify_merges(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    body = {"type": "identify", "userId": "ada", "anonymousId": "tab", "messageId": "m-1"}
    assert counts(collect(api, "segment", acorn_key, body)) == (1, 0, 0)
    assert counts(collect(api, "segment", acorn_key, body)) == (0, 1, 0)
    assert linked(acorn) == [("tab", "ada")]


def test_a_payload_without_anything_for_us_is_taken_and_says_so(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    ga4 = collect(api, "ga4", acorn_key, {"client_id": "1.2", "events": [{"name": "page_view"}]})
    segment = collect(api, "segment", acorn_key, {"type": "page", "anonymousId": "a"})
    for answer in (ga4, segment):
        assert counts(answer) == (0, 0, 0)
        assert [each["code"] for each in answer["warnings"]] == ["event_ignored"]
    assert stored(acorn) == []


def test_an_error_points_into_the_payload_as_it_was_sent(api: ApiClient, acorn_key: str) -> None:
    ga4 = copy.deepcopy(PURCHASE)
    bad = copy.deepcopy(PURCHASE["events"][0])
    bad["params"]["items"][1] = {"item_name": "Tee", "price": 1}
    worse = {"name": "add_to_cart", "params": {"items": [{"item_id": "a", "price": "abc"}]}}
    ga4["events"] = [{"name": "page_view"}, bad, "hello", worse, {}, *ga4["events"]]
    answer = collect(api, "ga4", acorn_key, ga4)
    assert counts(answer) == (1, 0, 4)
    assert [(each["index"], each["pointer"], each["code"]) for each in answer["errors"]] == [
        (1, "/events/1/params/items/1/item_id", "missing_field"),
        (2, "/events/2", "invalid_type"),
        (3, "/events/3/params/items/0/price", "invalid_price"),
        (4, "/events/4/name", "missing_field"),
    ]
    assert answer["errors"][2]["detail"].startswith("Event number 3 has items a list; price is")
    message = {"event": "Product Viewed", "anonymousId": "a", "properties": {"product_id": [1]}}
    refused = api.post("/v1/collect/segment", key=acorn_key, json=message)
    problem = assert_problem(refused, 422, "rows_rejected")
    assert [each["pointer"] for each in problem["errors"]] == ["/properties/product_id"]


def test_a_refund_of_a_whole_order_takes_all_of_it_back(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    collect(api, "ga4", acorn_key, PURCHASE)
    params = {"transaction_id": "T_12345", "currency": "USD"}
    refund = {"name": "refund", "params": params}
    body = {"client_id": "1.2", "timestamp_micros": 1700000001000000, "events": [refund]}
    assert counts(collect(api, "ga4", acorn_key, body)) == (1, 0, 0)
    refunded = [row[1:3] for row in stored(acorn) if row[0] == "refund"]
    assert sorted(refunded) == [("12346", 1), ("SKU_12345", 1)]
    assert counts(collect(api, "ga4", acorn_key, body)) == (0, 1, 0)
    params["transaction_id"] = "T_unknown"
    answer = api.post("/v1/collect/ga4", key=acorn_key, json=body)
    problem = assert_problem(answer, 422, "rows_rejected")
    assert problem["errors"][0]["pointer"] == "/events/0/params/items"


@pytest.mark.parametrize(
    ("tool", "body", "pointer"),
    [
        ("ga4", PURCHASE, "/user_id"),
        ("segment", {"batch": [{"type": "page"}, ORDER]}, "/batch/1/userId"),
    ],
)
def test_a_page_names_a_user_with_a_token_alone(
    api: ApiClient,
    acorn_key: str,
    acorn_publishable_key: str,
    tool: str,
    body: dict[str, Any],
    pointer: str,
) -> None:
    sent = {"key": acorn_publishable_key, "headers": {"Origin": SHOP}}
    refused = api.post(f"/v1/collect/{tool}", json=body, **sent)
    problem = assert_problem(refused, 403, "user_token_required")
    assert problem["errors"][0]["pointer"] == pointer
    allowed = copy.deepcopy(body)
    for each in allowed.get("batch", [allowed]):
        each["user_token"] = token_for(api, acorn_key)
    assert counts(collect(api, tool, acorn_publishable_key, allowed)) == (1, 0, 0)


def test_a_page_may_send_what_names_a_visitor_from_the_origins_on_the_list(
    api: ApiClient, acorn_publishable_key: str
) -> None:
    body = {"client_id": "1.2", "name": "view_item", "params": {"items": [{"item_id": "a"}]}}
    assert counts(collect(api, "ga4", acorn_publishable_key, body)) == (1, 0, 0)
    elsewhere = {"Origin": "https://evil.example"}
    answer = api.post("/v1/collect/ga4", key=acorn_publishable_key, json=body, headers=elsewhere)
    assert_problem(answer, 403, "origin_not_allowed")
    preflight = api.request("OPTIONS", "/v1/collect/segment", headers={"Origin": SHOP})
    assert preflight.status_code == 204


@pytest.mark.parametrize(
    ("tool", "body", "status", "code"),
    [
        ("ga4", [], 400, "invalid_parameter"),
        ("ga4", {"events": {}}, 400, "invalid_parameter"),
        ("ga4", {"events": [{"name": "page_view"}] * 1001}, 413, "batch_too_large"),
        ("ga4", {}, 422, "rows_rejected"),
        ("ga4", {"events": [["event"], ["event", 7], [], 7, None]}, 422, "rows_rejected"),
        ("ga4", {"name": "view_item", "params": []}, 422, "rows_rejected"),
        ("ga4", {"name": "refund", "params": {"transaction_id": "a\0"}}, 422, "rows_rejected"),
        ("segment", {"batch": "all"}, 400, "invalid_parameter"),
        ("segment", {"sentAt": 7}, 400, "invalid_parameter"),
        ("segment", {}, 422, "rows_rejected"),
        ("segment", {"batch": [7, {"type": []}, {"type": "track"}]}, 422, "rows_rejected"),
        ("segment", {**ORDER, "properties": None, "context": 7}, 422, "rows_rejected"),
        ("segment", {**ORDER, "event": {"a": 1}}, 422, "rows_rejected"),
    ],
)
def test_a_bad_payload_is_refused_with_a_reason(
    api: ApiClient, acorn_key: str, tool: str, body: Any, status: int, code: str
) -> None:
    answer = api.post(f"/v1/collect/{tool}", key=acorn_key, json=body)
    assert_problem(answer, status, code)
