"""What may come to the calls about behaviour, and the exact answer to each."""

from __future__ import annotations

import gzip
from typing import Any

import orjson
import pytest

from saas.lib.strict_json import MAX_BODY_BYTES
from tests.api.conftest import ApiClient, assert_problem

ROUTES = ("/v1/events", "/v1/collect/ga4", "/v1/collect/segment")
JSON = {"Content-Type": "application/json"}
GOOD = {"type": "view", "session_id": "s", "item_id": "i"}
# One level for the request, one for the event, one for the context.
DEEPEST = 32 - 2


def nested(levels: int) -> bytes:
    context = b'{"a":' * levels + b"1" + b"}" * levels
    return b'{"type":"view","session_id":"s","item_id":"i","context":' + context + b"}"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "malformed_json"),
        (b'{"value":Infinity}', {}, 400, "malformed_json"),
        (b'{"value":-NaN}', {}, 400, "malformed_json"),
        (b'{"user_id":"\xc3"}', {}, 400, "malformed_json"),
        (b'{"value":' + b"9" * 4301 + b"}", {}, 400, "malformed_json"),
        (b'{"user_id":"\\udfff"}', {}, 400, "malformed_json"),
        (b'{"type":"view","type":"purchase"}', {}, 400, "malformed_json"),
        (b'{"context":{"a":1,"b":{"c":1,"c":2}}}', {}, 400, "malformed_json"),
        (b"[" * 33 + b"]" * 33, {}, 400, "too_deep"),
        (b'{"a":' * 100_000, {}, 400, "too_deep"),
        (nested(DEEPEST + 2), {}, 400, "too_deep"),
        (b" " * (MAX_BODY_BYTES + 1), {}, 413, "payload_too_large"),
        (gzip.compress(b" " * 11_000_000), {"Content-Encoding": "gzip"}, 413, "payload_too_large"),
        (b"not gzip", {"Content-Encoding": "gzip"}, 400, "malformed_encoding"),
        (b"{}", {"Content-Encoding": "br"}, 415, "unsupported_encoding"),
        (b"{}", {"Accept": "text/html"}, 406, "not_acceptable"),
        (b"{}", {"Idempotency-Key": "k" * 256}, 400, "invalid_parameter"),
        (b"[]", {}, 400, "invalid_parameter"),
        (b'"view"', {}, 400, "invalid_parameter"),
        (b"null", {}, 400, "invalid_parameter"),
    ],
)
def test_a_request_that_cannot_be_read(
    api: ApiClient,
    acorn_key: str,
    route: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    assert_problem(api.post(route, key=acorn_key, body=body, headers=headers), status, code)


@pytest.mark.parametrize("route", ROUTES)
def test_a_request_that_is_made_wrongly(api: ApiClient, acorn_key: str, route: str) -> None:
    for content_type in ("text/plain", "application/xml", "multipart/form-data; boundary=b"):
        answer = api.post(route, key=acorn_key, body=b"{}", content_type=content_type)
        assert_problem(answer, 415, "unsupported_media_type")
    answer = api.put(route, key=acorn_key, json=GOOD)
    assert_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    for query in ("?colour=red", "?limit=1", "?user_id=a"):
        answer = api.post(f"{route}{query}", key=acorn_key, json=GOOD)
        assert_problem(answer, 400, "invalid_parameter")
    assert_problem(api.post(route, json=GOOD), 401, "invalid_token")


def test_nesting_is_allowed_down_to_its_limit(api: ApiClient, acorn_key: str) -> None:
    answer = api.post("/v1/events", key=acorn_key, body=nested(DEEPEST + 1))
    assert answer.status_code == 202, answer.content


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("type", None, "missing_field"),
        ("type", "veiw", "unknown_event_type"),
        ("type", "custom:", "unknown_event_type"),
        ("type", "custom:" + "x" * 64, "unknown_event_type"),
        ("type", 7, "invalid_type"),
        ("session_id", 7, "invalid_type"),
        ("session_id", "", "missing_field"),
        ("session_id", "x" * 257, "id_too_long"),
        ("session_id", "a\0b", "invalid_text"),
        ("session_id", "a\u0007b", "invalid_text"),
        ("user_id", ["a"], "invalid_type"),
        ("item_id", {"id": "a"}, "invalid_type"),
        ("items", "i", "invalid_type"),
        ("items", [], "invalid_type"),
        ("items", [{"id": "i"}], "conflicting_fields"),
        ("quantity", 0, "invalid_quantity"),
        ("quantity", -1, "invalid_quantity"),
        ("quantity", True, "invalid_quantity"),
        ("quantity", 1e300, "invalid_quantity"),
        ("price", "12,90", "invalid_price"),
        ("price", -1, "invalid_price"),
        ("price", "1e5", "invalid_price"),
        ("value", 10**10, "invalid_price"),
        ("currency", "euro", "invalid_currency"),
        ("ts", "yesterday", "invalid_datetime"),
        ("ts", "2026-01-05T12:00:00", "invalid_datetime"),
        ("ts", "2026-02-30T12:00:00Z", "invalid_datetime"),
        ("ts", 1700000000, "invalid_datetime"),
        ("ts", "9999-12-31T23:59:59Z", "timestamp_out_of_range"),
        ("query", "a\0b", "invalid_text"),
        ("context", [], "invalid_type"),
        ("context", {"a": {"b": ["c\0"]}}, "invalid_text"),
        ("context", {"a\0": 1}, "invalid_text"),
        ("recommendation_id", "x" * 65, "id_too_long"),
        ("event_id", "", "missing_field"),
    ],
)
def test_a_bad_value_is_refused_with_its_place_and_the_good_event_is_stored(
    api: ApiClient, acorn_key: str, member: str, value: Any, code: str
) -> None:
    bad = {**GOOD, member: value}
    (error,) = assert_problem(
        api.post("/v1/events", key=acorn_key, body=orjson.dumps(bad)), 422, "rows_rejected"
    )["errors"]
    assert (error["pointer"].partition("/a")[0], error["code"]) == (f"/{member}", code)
    answer = api.post("/v1/events", key=acorn_key, json={"events": [GOOD, bad]}).json()
    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    assert [(each["index"], each["code"]) for each in answer["errors"]] == [(1, code)]


def test_what_is_missing_is_named(api: ApiClient, acorn_key: str) -> None:
    cases = {
        "missing_shopper": {"type": "view", "item_id": "i"},
        "missing_field": {"type": "view", "session_id": "s"},
    }
    for code, event in cases.items():
        answer = api.post("/v1/events", key=acorn_key, json=event)
        (error,) = assert_problem(answer, 422, "rows_rejected")["errors"]
        assert error["code"] == code
    for type_, needed in {
        "search": "query",
        "category_view": "category",
        "refund": "order_id",
    }.items():
        event = {**GOOD, "type": type_}
        answer = api.post("/v1/events", key=acorn_key, json=event)
        (error,) = assert_problem(answer, 422, "rows_rejected")["errors"]
        assert (error["pointer"], error["code"]) == (f"/{needed}", "missing_field")


@pytest.mark.parametrize(
    "route",
    ["/v1/events", "/v1/items:batch", "/v1/users:batch", "/v1/users:merge", "/v1/collect/ga4"],
)
def test_no_body_is_no_json(api: ApiClient, acorn_key: str, route: str) -> None:
    answer = api.post(route, key=acorn_key, body=b"", content_type="application/json")
    assert_problem(answer, 400, "malformed_json")
