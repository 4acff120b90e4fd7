from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.api.inference.conftest import Hand, Service

LONG_ID = "x" * 257
# (operation, body, status, code, pointer of the first error or None)
TABLE: dict[str, tuple[str, bytes, int, str, str | None]] = {
    "no JSON": ("for-user", b"hello", 400, "malformed_json", None),
    "an empty body": ("for-user", b"", 400, "malformed_json", None),
    "a NaN": ("for-user", b'{"limit": NaN}', 400, "malformed_json", None),
    "a lone surrogate": ("for-user", b'{"user_id": "\\ud800"}', 400, "malformed_json", None),
    "invalid UTF-8": ("for-user", b'{"user_id": "\xff"}', 400, "malformed_json", None),
    "NaN behind an unknown field": ("for-user", b'{"x": 1, "y": NaN}', 400, "malformed_json", None),
    "two documents": ("for-user", b"{} {}", 400, "malformed_json", None),
    "33 levels": ("for-user", b"[" * 33 + b"]" * 33, 400, "too_deep", None),
    "100,000 levels": ("for-user", b'{"a":' + b"[" * 100_000, 400, "too_deep", None),
    "a list": ("for-user", b"[]", 400, "invalid_parameter", ""),
    "a typing error": ("for-user", b'{"limt": 3}', 400, "unknown_field", "/limt"),
    "a limit of 0": ("for-user", b'{"limit": 0}', 400, "invalid_parameter", "/limit"),
    "a limit of 101": ("for-user", b'{"limit": 101}', 400, "invalid_parameter", "/limit"),
    "a limit of 5,000 digits": (
        "for-user",
        b'{"limit": ' + b"9" * 5000 + b"}",
        400,
        "malformed_json",
        None,
    ),
    "an id of 257 characters": (
        "for-user",
        f'{{"user_id": "{LONG_ID}"}}'.encode(),
        400,
        "invalid_parameter",
        "/user_id",
    ),
    "an empty id": ("similar", b'{"item_id": ""}', 400, "invalid_parameter", "/item_id"),
    "a number for an id": ("similar", b'{"item_id": 7}', 400, "invalid_parameter", "/item_id"),
    "a NUL": ("similar", b'{"item_id": "a\\u0000"}', 400, "invalid_parameter", "/item_id"),
    "a NUL in a list": (
        "for-user",
        b'{"session": ["a\\u0000"]}',
        400,
        "invalid_parameter",
        "/session",
    ),
    "no item": ("similar", b"{}", 400, "invalid_parameter", "/item_id"),
    "a bad id in a list": (
        "for-user",
        b'{"session": ["a", ""]}',
        400,
        "invalid_parameter",
        "/session/1",
    ),
    "1,001 excluded ids": (
        "for-user",
        b'{"exclude": [' + b",".join([b'"a"'] * 1001) + b"]}",
        400,
        "invalid_parameter",
        "/exclude",
    ),
    "an unknown include": (
        "for-user",
        b'{"include": ["price"]}',
        400,
        "invalid_parameter",
        "/include/0",
    ),
    "5 MB and a byte": ("for-user", b" " * (5 * 2**20 + 1), 413, "payload_too_large", None),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_bad_body_is_refused_with_the_way_out(
    service: Service, acorn_hand: Hand, name: str
) -> None:
    operation, body, status, code, pointer = TABLE[name]
    answer = service.post(operation, acorn_hand.make_key(), body, headers={"X-Request-Id": "r-1"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] == problem["instance"] == "r-1"
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer
    assert service.usage() == []


def test_an_unknown_field_is_answered_with_the_nearest_known_one(
    service: Service, acorn_hand: Hand
) -> None:
    answer = service.post("for-user", acorn_hand.make_key(), {"exclude_purchase": True})
    assert "did you mean 'exclude_purchased'?" in answer.json()["detail"]


def test_a_long_bad_body_is_explained_briefly(service: Service, acorn_hand: Hand) -> None:
    key = acorn_hand.make_key()
    name = service.post("popular", key, b'{"' + b"x" * 5_000_000 + b'": 1}')
    assert name.json()["code"] == "unknown_field"
    value = service.post("popular", key, b'{"exclude": [' + b"[]," * 1_000_000 + b"[]]}")
    assert [each["pointer"] for each in value.json()["errors"]] == ["/exclude/0"]
    assert max(len(answer.content) for answer in (name, value)) < 1_000


def test_a_bad_value_is_named(service: Service, acorn_hand: Hand) -> None:
    answer = service.post("for-user", acorn_hand.make_key(), {"limit": "ten"})
    assert (
        answer.json()["detail"] == "'limit' has the value 'ten'; send a whole number from 1 to 100."
    )


def test_brackets_inside_strings_are_not_nesting(service: Service, acorn_hand: Hand) -> None:
    body = {"placement": "[" * 40 + '"{' * 20}
    assert service.post("for-user", acorn_hand.make_key(), body).status_code == 200


def test_gzip_is_read_within_the_inflated_limit(service: Service, acorn_hand: Hand) -> None:
    key = acorn_hand.make_key()
    headers = {"Content-Encoding": "gzip"}
    good = service.post("popular", key, gzip.compress(b'{"limit": 1}'), headers=headers)
    assert good.status_code == 200
    bomb = service.post("popular", key, gzip.compress(b" " * 6 * 2**20), headers=headers)
    assert (bomb.status_code, bomb.json()["code"]) == (413, "payload_too_large")
    cut = service.post("popular", key, gzip.compress(b'{"limit": 1}')[:-4], headers=headers)
    assert (cut.status_code, cut.json()["code"]) == (400, "malformed_encoding")
    plain = service.post("popular", key, b"{}", headers=headers)
    assert (plain.status_code, plain.json()["code"]) == (400, "malformed_encoding")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Encoding": "br"}, "unsupported_encoding"),
        ({"Content-Type": "text/plain"}, "unsupported_media_type"),
    ],
)
def test_another_form_of_body_is_refused(
    service: Service, acorn_hand: Hand, headers: dict[str, str], code: str
) -> None:
    answer = service.post("popular", acorn_hand.make_key(), b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, code)


def test_a_form_that_nobody_answers_in_is_refused(service: Service) -> None:
    answer = service.post("popular", None, {}, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused_with_the_right_one(service: Service, method: str) -> None:
    answer = service.request(method, "/v1/recommend/popular")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    "path", ["/v1/recommend/nothing", "/v1/recommend", "/v1/recommend:all", "/other"]
)
def test_an_unknown_path_is_a_problem(service: Service, path: str) -> None:
    answer = service.request("POST", path, json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] == answer.json()["instance"]


def test_a_fault_of_ours_is_a_problem_without_its_story(
    service: Service, acorn_hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("api.inference.answering.recommend", break_down)
    answer = service.post("popular", acorn_hand.make_key())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret detail" not in answer.text
