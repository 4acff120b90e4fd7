"""Every error is problem+json, with a stable code, the request id and nothing of our insides."""

from __future__ import annotations

import gzip
import io
from typing import Any

import orjson
import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from rest_framework import serializers

from api.v1.middleware import REQUEST_SECONDS
from saas.lib.strict_json import MAX_BODY_BYTES
from tests.api.conftest import ApiClient, assert_problem

SECRET = "SELECT secret FROM vault"


def fail(request: HttpRequest, kind: str) -> HttpResponse:
    """Raise what a view outside the API may raise."""
    errors: dict[str, Exception] = {
        "crash": RuntimeError(SECRET),
        "missing": Http404(SECRET),
        "denied": PermissionDenied(SECRET),
        "suspicious": SuspiciousOperation(SECRET),
        "away": OperationalError(SECRET),
        "broken": InterfaceError(SECRET),
        "invalid": serializers.ValidationError({"a": [SECRET]}),
    }
    raise errors[kind]


handler400 = "api.v1.problems.bad_request"
handler403 = "api.v1.problems.permission_denied"
handler404 = "api.v1.problems.not_found"
handler500 = "api.v1.problems.server_error"
urlpatterns = [path("fail/<str:kind>", fail), path("", include("saas.urls"))]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("crash", 500, "internal_error"),
        ("missing", 404, "not_found"),
        ("denied", 403, "forbidden"),
        ("suspicious", 400, "bad_request"),
        ("away", 503, "storage_unavailable"),
        ("broken", 503, "storage_unavailable"),
    ],
)
def test_what_django_would_show_as_a_page_is_a_problem(
    api: ApiClient, kind: str, status: int, code: str
) -> None:
    with override_settings(ROOT_URLCONF="tests.api.v1.test_problems"):
        answer = api.get(f"/fail/{kind}")
    assert_problem(answer, status, code)
    assert SECRET.encode() not in answer.content
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_an_unknown_path_is_a_problem_under_any_prefix(api: ApiClient, acorn_key: str) -> None:
    for path_ in ("/", "/v1", "/v1/", "/v1/itemz", "/nowhere", "/v1/keys/", "/static/none.css"):
        assert_problem(api.get(path_), 404, "not_found")
    assert_problem(api.get("/v1/itemz", key=acorn_key), 404, "not_found")


def test_a_wrong_method_names_the_right_ones(api: ApiClient, acorn_key: str) -> None:
    # "DISPATCH" is the name of something else that a view has.
    for method in ("PUT", "OPTIONS", "TRACE", "DISPATCH"):
        answer = api.request(method, "/v1/keys", key=acorn_key)
        assert_problem(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET, HEAD, POST"
    for path_ in ("/docs", "/docs/errors"):
        answer = api.post(path_, json={})
        assert_problem(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["Allow"]


def test_a_foreign_host_is_a_problem(api: ApiClient) -> None:
    answer = api.get("/v1/me", headers={"Host": "evil.example"})
    assert_problem(answer, 400, "bad_request")


def test_an_unreadable_accept_is_refused(api: ApiClient, acorn_key: str) -> None:
    answer = api.get("/v1/me", key=acorn_key, headers={"Accept": "text/html"})
    assert_problem(answer, 406, "not_acceptable")


def test_a_crash_in_a_view_of_the_api_tells_nothing(
    api: ApiClient, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(**_: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("api.v1.keys.api_keys", crash)
    answer = api.get("/v1/keys", key=acorn_key)
    assert_problem(answer, 500, "internal_error")
    assert SECRET.encode() not in answer.content


def test_a_write_while_postgresql_is_away_may_be_retried(
    api: ApiClient, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("the database system is shutting down")

    monkeypatch.setattr("api.v1.keys.create_api_key", away)
    answer = api.post("/v1/keys", key=acorn_key, json={"name": "x"})
    assert_problem(answer, 503, "storage_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "malformed_json"),
        (b'{"name": NaN}', "malformed_json"),
        (b'{"name": "\xff"}', "malformed_json"),
        (b'{"name": "\\ud800"}', "malformed_json"),
        (b'{"name": ' + b"1" * 5000 + b"}", "malformed_json"),
        (b'{"name": "a", "name": "b"}', "malformed_json"),
        (b"[" * 33 + b"]" * 33, "too_deep"),
        (b"[" * 100_000, "too_deep"),
    ],
)
def test_a_bad_body_is_named(api: ApiClient, acorn_key: str, body: bytes, code: str) -> None:
    assert_problem(api.post("/v1/keys", key=acorn_key, body=body), 400, code)
    # The same without a credential: the token's own endpoint reads bodies of strangers.
    assert_problem(api.post("/v1/auth/token", body=body), 400, code)


def post_chunked(api: ApiClient, body: bytes) -> Any:
    given: dict[str, Any] = {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_TYPE": "application/json",
        "wsgi.input": io.BytesIO(body),
    }
    return api.client.generic("POST", "/v1/auth/token", **given)


def test_a_large_body_is_refused_by_what_it_says_and_by_what_it_is(
    api: ApiClient, acorn_key: str
) -> None:
    large = b'"' + b"x" * MAX_BODY_BYTES + b'"'
    assert_problem(api.post("/v1/keys", key=acorn_key, body=large), 413, "payload_too_large")
    answer = post_chunked(api, large)
    assert_problem(answer, 413, "payload_too_large")


def test_a_chunked_body_is_read(api: ApiClient, acorn_key: str) -> None:
    answer = post_chunked(api, orjson.dumps({"api_key": acorn_key}))
    assert answer.status_code == 200, answer.content


def test_encodings(api: ApiClient, acorn_key: str) -> None:
    def post(body: bytes, encoding: str) -> HttpResponse:
        headers = {"Content-Encoding": encoding}
        answer: HttpResponse = api.post("/v1/keys", key=acorn_key, body=body, headers=headers)
        return answer

    packed = gzip.compress(b'{"name": "packed"}')
    assert post(packed, "gzip").status_code == 201
    assert_problem(post(packed[:-3], "gzip"), 400, "malformed_encoding")
    assert_problem(post(b'{"name": "x"}', "gzip"), 400, "malformed_encoding")
    bomb = gzip.compress(b" " * (4 * MAX_BODY_BYTES))
    assert_problem(post(bomb, "gzip"), 413, "payload_too_large")
    for other in ("br", "deflate", "gzip, gzip"):
        assert_problem(post(packed, other), 415, "unsupported_encoding")


def test_another_content_type_is_refused(api: ApiClient, acorn_key: str) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = api.post("/v1/keys", key=acorn_key, body=b"a=1", content_type=content_type)
        assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=501",
        "?limit=-1",
        "?limit=ten",
        "?limit=",
        "?limit=1&limit=2",
        "?limit=99999999999999999999",
        "?limit=00000000199999999",
        "?limit=%C2%B2",
        "?cursor=x",
        "?cursor=%00",
        "?cursor=W10",
        "?cursor=WzFd",
        "?cursor=WyJhXHUwMDAwYiJd",
        "?colour=red",
        "?%FF=1",
    ],
)
def test_a_bad_query_is_refused(api: ApiClient, acorn_key: str, query: str) -> None:
    assert_problem(api.get(f"/v1/keys{query}", key=acorn_key), 400, "invalid_parameter")


def test_an_id_that_can_be_none_is_refused(api: ApiClient, acorn_key: str) -> None:
    for segment in ("x" * 257, "a%00b", "%FF", "a%0Ab", "%ED%A0%80"):
        answer = api.delete(f"/v1/keys/{segment}", key=acorn_key)
        assert_problem(answer, 400, "invalid_parameter")
    assert_problem(api.delete(f"/v1/keys/{'x' * 256}", key=acorn_key), 404, "not_found")


def test_an_encoded_slash_stays_in_its_id(api: ApiClient, acorn_key: str) -> None:
    body = assert_problem(api.delete("/v1/keys/a%2Fb%252F", key=acorn_key), 404, "not_found")
    assert "'a/b%2F'" in body["detail"]
    assert_problem(api.delete("/v1/keys/a/b", key=acorn_key), 404, "not_found")


def test_a_safe_request_id_is_kept_and_another_is_replaced(api: ApiClient) -> None:
    ids = {"checkout-7": True, "x" * 128: True, "x" * 129: False, "a b": False}
    for sent, is_kept in ids.items():
        answer = api.get("/v1/me", headers={"X-Request-Id": sent})
        assert (answer.headers["X-Request-Id"] == sent) == is_kept
        assert_problem(answer, 401, "invalid_token")


def test_metrics_count_routes_and_not_paths(api: ApiClient, acorn_key: str) -> None:
    api.delete("/v1/keys/a-shoppers-id", key=acorn_key)
    api.get("/v1/no-such-path")
    (histogram,) = REQUEST_SECONDS.collect()
    routes = {sample.labels["route"] for sample in histogram.samples}
    assert "/v1/keys/<id:key_id>" in routes
    assert "unmatched" in routes
    assert not any("a-shoppers-id" in each for each in routes)


def test_each_request_leaves_one_line_without_its_content(api: ApiClient, acorn_key: str) -> None:
    import structlog

    processors = [structlog.contextvars.merge_contextvars]
    with structlog.testing.capture_logs(processors=processors) as lines:
        api.post(
            "/v1/keys",
            key=acorn_key,
            json={"name": "planted-name"},
            headers={"X-Request-Id": "line-1"},
        )
        api.get("/v1/me")
    first, second = [line for line in lines if line["event"] == "request"]
    assert (first["request_id"], first["tenant"], first["environment"]) == (
        "line-1",
        "acorn-books",
        "live",
    )
    assert (first["method"], first["route"], first["status"]) == ("POST", "/v1/keys", 201)
    assert "tenant" not in second
    assert "planted-name" not in str(lines)
    assert acorn_key not in str(lines)
