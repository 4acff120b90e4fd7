"""/v1/collect: payloads that a shop sends to other tools already."""

from __future__ import annotations

import copy
from base64 import b64encode
from typing import Any

import orjson
import pytest

from engine.models.event import Event
from engine.models.shopper import IdentityLink, Shopper
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.api.conftest import ApiClient, assert_problem
from tests.api.v1.test_user_tokens import token_for
from tests.conftest import make_key
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


def attributes(environment: Environment, user_id: str) -> dict[str, Any] | None:
    with in_environment(environment):
        user = Shopper.objects.filter(kind="user", external_id=user_id).first()
    return None if user is None else dict(user.attributes)


IDENTIFY = {
    "type": "identify",
    "userId": "ada",
    "anonymousId": "tab",
    "messageId": "m-1",
    "timestamp": "2023-11-14T22:13:20Z",
    "traits": {"plan": "gold", "email": "ada@example.org"},
}


def test_an_identify_describes_its_user(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    answer = collect(api, "segment", acorn_key, {"batch": [{"type": "page"}, IDENTIFY]})
    assert counts(answer) == (1, 0, 0)
    assert attributes(acorn, "ada") == {"plan": "gold"}
    older = {**IDENTIFY, "messageId": "m-0", "timestamp": "2023-11-13T00:00:00Z"}
    collect(api, "segment", acorn_key, {**older, "traits": {"plan": "silver"}})
    assert attributes(acorn, "ada") == {"plan": "gold"}


def test_who_may_not_write_users_is_told_that_traits_stay_out(
    api: ApiClient, acorn: Environment, acorn_key: str, acorn_publishable_key: str
) -> None:
    page = {**IDENTIFY, "user_token": token_for(api, acorn_key)}
    of_events = make_key(acorn, scopes=["events:write"])
    for number, (key, body) in enumerate([(acorn_publishable_key, page), (of_events, IDENTIFY)]):
        answer = collect(api, "segment", key, {"batch": [{**body, "messageId": f"m-{number}"}]})
        assert counts(answer) == (1, 0, 0)
        assert [(each["pointer"], each["code"]) for each in answer["warnings"]] == [
            ("/batch/0", "traits_ignored")
        ]
    assert attributes(acorn, "ada") == {}


def test_an_alias_merges(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    body = {"type": "alias", "previousId": "tab", "userId": "ada", "messageId": "m-1"}
    assert counts(collect(api, "segment", acorn_key, body)) == (1, 0, 0)
    assert linked(acorn) == [("tab", "ada")]


def basic(user: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(user.encode()).decode()}"}


def test_segment_sends_its_write_key_as_a_user(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    answer = api.post("/v1/collect/segment", json=ORDER, headers=basic(f"{acorn_key}:"))
    assert answer.status_code == 202, answer.content
    assert len(stored(acorn)) == 2
    for header in (basic("sk_live_none:"), basic(":"), {"Authorization": "Basic é"}):
        refused = api.post("/v1/collect/segment", json=ORDER, headers=header)
        assert_problem(refused, 401, "invalid_token")
    # Elsewhere the key is a bearer token.
    elsewhere = api.post("/v1/collect/ga4", json=PURCHASE, headers=basic(f"{acorn_key}:"))
    assert_problem(elsewhere, 401, "invalid_token")


def beacon(api: ApiClient, path: str, body: Any, *, origin: str = SHOP) -> Any:
    return api.post(
        path,
        body=orjson.dumps(body),
        content_type="text/plain;charset=UTF-8",
        headers={"Origin": origin},
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/events", {"type": "view", "session_id": "s", "item_id": "a"}),
        (
            "/v1/collect/ga4",
            {"client_id": "1", "name": "view_item", "params": {"items": [{"item_id": "a"}]}},
        ),
        (
            "/v1/collect/segment",
            {"anonymousId": "a", "event": "Product Viewed", "properties": {"sku": "a"}},
        ),
    ],
)
def test_a_page_that_is_left_may_send_a_beacon(
    api: ApiClient,
    acorn: Environment,
    acorn_key: str,
    acorn_publishable_key: str,
    path: str,
    body: Any,
) -> None:
    address = f"{path}?key={acorn_publishable_key}"
    answer = beacon(api, address, body)
    assert answer.status_code == 202, answer.content
    assert [row[:2] for row in stored(acorn)] == [("view", "a")]
    assert_problem(
        beacon(api, address, body, origin="https://evil.example"), 403, "origin_not_allowed"
    )
    # A secret in an address is read by every proxy, so it opens nothing.
    assert_problem(beacon(api, f"{path}?key={acorn_key}", body), 401, "invalid_token")
    assert_problem(
        beacon(api, f"{address}&key={acorn_publishable_key}", body), 400, "invalid_parameter"
    )
    # With a header of its own there is no need for another content type.
    plain = api.post(path, key=acorn_key, body=b"{}", content_type="text/plain")
    assert_problem(plain, 415, "unsupported_media_type")


def test_a_key_in_an_address_reads_nothing(api: ApiClient, acorn_publishable_key: str) -> None:
    assert_problem(api.get(f"/v1/events?key={acorn_publishable_key}"), 401, "invalid_token")
    assert_problem(
        api.post(f"/v1/events?key={acorn_publishable_key}&colour=red", json={}),
        400,
        "invalid_parameter",
    )


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
