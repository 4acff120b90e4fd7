"""A repeated POST gets its first answer, and its effect happens once."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from saas.lib.errors import RateLimited
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tenants.models.idempotency import IdempotencyRecord
from tests.api.conftest import ApiClient, FrozenClock, assert_problem
from tests.conftest import make_store

ONCE = {"Idempotency-Key": "order-17"}


def make(api: ApiClient, key: str, name: str = "once", **headers: str) -> Any:
    return api.post("/v1/keys", key=key, json={"name": name}, headers={**ONCE, **headers})


def count(name: str = "once") -> int:
    return ApiKey.objects.filter(name=name).count()


def test_a_repeat_is_answered_as_the_first_time_without_the_secret(
    api: ApiClient, acorn_key: str
) -> None:
    first, second = make(api, acorn_key), make(api, acorn_key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    secret = first.json()["key"]
    assert second.json() == {k: v for k, v in first.json().items() if k != "key"}
    assert count() == 1
    stored = IdempotencyRecord.objects.get(key="order-17")
    assert secret.encode() not in bytes(stored.body)


def test_a_replay_is_the_same_byte_for_byte(api: ApiClient, acorn_key: str) -> None:
    refused = {"name": "once", "kind": "publishable", "scopes": ["models:write"]}
    first, second = (
        api.post("/v1/keys", key=acorn_key, json=refused, headers=ONCE) for _ in range(2)
    )
    assert_problem(first, 400, "invalid_parameter")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_token_is_not_replayed(api: ApiClient, acorn_key: str) -> None:
    first, second = (
        api.post("/v1/auth/token", json={"api_key": acorn_key}, headers=ONCE) for _ in range(2)
    )
    assert "access_token" in first.json()
    assert "access_token" not in second.json()
    assert second.json()["tenant"] == "acorn-books"


def test_another_body_under_the_same_key_is_a_mismatch(api: ApiClient, acorn_key: str) -> None:
    make(api, acorn_key)
    assert_problem(make(api, acorn_key, name="other"), 422, "idempotency_mismatch")
    assert count("other") == 0


def test_another_path_under_the_same_key_is_a_mismatch(api: ApiClient, acorn_key: str) -> None:
    for path, status, code in [
        ("/v1/keys/a:rotate", 404, "not_found"),
        ("/v1/keys/b:rotate", 422, "idempotency_mismatch"),
    ]:
        answer = api.post(path, key=acorn_key, json={}, headers=ONCE)
        assert_problem(answer, status, code)


def test_two_stores_may_use_the_same_key(api: ApiClient, acorn_key: str, birch_key: str) -> None:
    for key in (acorn_key, birch_key):
        answer = make(api, key)
        assert (answer.status_code, "key" in answer.json()) == (201, True)
    assert count() == 2


def test_a_repeat_during_the_first_request_is_told_to_wait(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    name = hashlib.sha256(f"{acorn.pk}\0v1/keys\0order-17".encode()).digest()
    number = int.from_bytes(name[:8], "big", signed=True)
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        assert_problem(make(api, acorn_key), 409, "idempotency_in_progress")
    # The other transaction ended without a record, as a crash leaves it.
    assert make(api, acorn_key).status_code == 201


def test_a_failure_of_ours_is_not_kept(
    api: ApiClient, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr("api.v1.keys.create_api_key", away)
        assert_problem(make(api, acorn_key), 503, "storage_unavailable")
    again = make(api, acorn_key)
    assert (again.status_code, "Idempotent-Replayed" in again.headers) == (201, False)


def test_an_effect_that_failed_half_way_is_not_kept(
    api: ApiClient, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from saas.lib.errors import Conflict
    from tenants.services.create_api_key import create_api_key

    def half(**given: Any) -> None:
        create_api_key(**given)
        raise Conflict("Too late.")

    monkeypatch.setattr("api.v1.keys.create_api_key", half)
    for _ in range(2):
        answer = make(api, acorn_key)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert count() == 0


def test_an_answer_is_kept_for_a_day(api: ApiClient, clock: FrozenClock, acorn_key: str) -> None:
    make(api, acorn_key)
    clock.shift(hours=24, seconds=-1)
    assert make(api, acorn_key).headers["Idempotent-Replayed"] == "true"
    clock.shift(seconds=1)
    assert "Idempotent-Replayed" not in make(api, acorn_key).headers
    assert count() == 2
    created = IdempotencyRecord.objects.get(key="order-17").created_at
    assert created - clock.start == timedelta(hours=24)


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_a_wrong_length_is_refused(api: ApiClient, acorn_key: str, key: str) -> None:
    answer = make(api, acorn_key, **{"Idempotency-Key": key})
    assert_problem(answer, 400, "invalid_parameter")
    assert count() == 0


def test_a_stranger_sees_no_replay(api: ApiClient, acorn_key: str) -> None:
    make(api, acorn_key)
    answer = api.post("/v1/keys", json={"name": "once"}, headers=ONCE)
    assert_problem(answer, 401, "invalid_token")


def test_what_the_commit_adds_to_an_answer_is_replayed_too(migrated: None) -> None:
    elm = make_store("Elm Toys")
    api = ApiClient()
    once = {"Idempotency-Key": "elm-1"}
    event = {"type": "view", "session_id": "s", "item_id": "elm-1"}
    first, second = (
        api.post("/v1/events", key=elm.key, json=event, headers=once) for _ in range(2)
    )
    assert first.status_code == 202, first.content
    assert first.json()["watermark"] is not None
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"


_MULTIPART = "multipart/form-data; boundary=b"
_FORM_OF_NO_KIND = (
    b'--b\r\nContent-Disposition: form-data; name="kind"\r\n\r\nnothing\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nid\r\n--b--\r\n'
)


def test_every_post_but_recommendations_knows_the_key(api: ApiClient, acorn_key: str) -> None:
    document = api.get("/v1/openapi.json").json()
    routes = [
        (path, operation["post"])
        for path, operation in document["paths"].items()
        if "post" in operation and not path.startswith(("/v1/recommend", "/v1/explain"))
    ]
    assert len(routes) > 10
    for path, operation in routes:
        names = [each.get("$ref", "") for each in operation["parameters"]]
        assert "#/components/parameters/IdempotencyKey" in names, path
        is_form = "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
        sent: dict[str, Any] = (
            {"body": _FORM_OF_NO_KIND, "content_type": _MULTIPART} if is_form else {"json": {}}
        )
        if path == "/v1/auth/token":
            # A stranger has no environment that could keep an answer.
            sent = {"json": {"api_key": acorn_key}}
        address = re.sub(r"\{[^}]*\}", "none", path)
        first, second = (api.post(address, key=acorn_key, headers=ONCE, **sent) for _ in range(2))
        assert first.status_code < 500, (path, first.content)
        assert second.headers.get("Idempotent-Replayed") == "true", (path, second.content)
        assert second.status_code == first.status_code, path
        if path != "/v1/auth/token":
            assert second.content == first.content, path


def test_a_replay_points_to_where_the_first_answer_did(api: ApiClient, acorn_key: str) -> None:
    sent = {"kind": "items", "format": "ndjson"}
    first, second = (
        api.post("/v1/exports", key=acorn_key, json=sent, headers=ONCE) for _ in range(2)
    )
    assert first.status_code == 202, first.content
    assert first.headers["Location"].startswith("/v1/exports/")
    assert second.headers["Location"] == first.headers["Location"]
    assert second.content == first.content


def test_a_request_that_came_too_often_may_come_again(
    api: ApiClient, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_often(**_: Any) -> None:
        raise RateLimited("Too many requests.")

    with monkeypatch.context() as limited:
        limited.setattr("api.v1.keys.create_api_key", too_often)
        assert_problem(make(api, acorn_key), 429, "rate_limited")
    assert make(api, acorn_key).status_code == 201
