"""User tokens: the store's word that lets its page name a user."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.models.shopper import IdentityLink
from saas.lib.config import config
from tenants import tokens
from tenants.context import in_environment
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tenants.selectors.credential import forget_credentials
from tests.api.conftest import ApiClient, assert_problem
from tests.conftest import make_key

DAY = 24 * 60 * 60
VIEW = {"type": "view", "user_id": "ada", "item_id": "pan-24", "ts": "2026-01-05T10:00:00Z"}


def token_for(api: ApiClient, key: str, user_id: str = "ada", **body: Any) -> str:
    answer = api.post("/v1/auth/user-token", key=key, json={"user_id": user_id, **body})
    assert answer.status_code == 200, answer.content
    return str(answer.json()["user_token"])


def test_a_token_says_whom_it_is_for_and_how_long(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    answer = api.post("/v1/auth/user-token", key=acorn_key, json={"user_id": " ada/1 "})
    body = answer.json()
    assert (body["user_id"], body["expires_in"]) == (" ada/1 ", 60 * 60)
    assert answer.headers["Cache-Control"] == "no-store"
    keys = tokens.VerifyingKeys.from_pem(config().jwt_verifying_keys)
    said = tokens.verify_user_token(body["user_token"], keys=keys)
    assert said.is_for(environment_id=acorn.pk, user_id=" ada/1 ")
    assert abs(said.expires_at - time.time() - 60 * 60) < 5


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/user_id"),
        ({"user_id": 7}, "/user_id"),
        ({"user_id": "x" * 257}, "/user_id"),
        ({"user_id": "ada", "expires_in": DAY + 1}, "/expires_in"),
        ({"user_id": "ada", "expires_in": 0}, "/expires_in"),
    ],
)
def test_a_bad_request_is_named(
    api: ApiClient, acorn_key: str, body: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/v1/auth/user-token", key=acorn_key, json=body)
    problem = assert_problem(answer, 400, "invalid_parameter")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


def test_its_maker_must_be_a_server_that_may_do_all_that_the_page_can(
    api: ApiClient, acorn: Environment, acorn_publishable_key: str
) -> None:
    body = {"user_id": "ada"}
    keys = {
        "events:write": make_key(acorn, scopes=["recommendations:read"]),
        "recommendations:read": make_key(acorn, scopes=["events:write"]),
    }
    for missing, key in keys.items():
        answer = api.post("/v1/auth/user-token", key=key, json=body)
        assert assert_problem(answer, 403, "insufficient_scope")["scope"] == missing
    answer = api.post("/v1/auth/user-token", key=acorn_publishable_key, json=body)
    assert_problem(answer, 403, "insufficient_scope")
    preflight = api.request(
        "OPTIONS", "/v1/auth/user-token", headers={"Origin": "https://acorn-books.example"}
    )
    assert "Access-Control-Allow-Origin" not in preflight.headers


def test_a_replay_leaves_the_token_out(api: ApiClient, acorn_key: str) -> None:
    sent = {"key": acorn_key, "json": {"user_id": "ada"}, "headers": {"Idempotency-Key": "t1"}}
    assert "user_token" in api.post("/v1/auth/user-token", **sent).json()
    assert "user_token" not in api.post("/v1/auth/user-token", **sent).json()


@pytest.mark.parametrize("is_batch", [False, True])
def test_a_page_with_the_token_may_name_the_user_and_merge(
    api: ApiClient,
    acorn: Environment,
    acorn_key: str,
    acorn_publishable_key: str,
    is_batch: bool,  # noqa: FBT001  # pytest passes it by name
) -> None:
    token = token_for(api, acorn_key)
    event = {**VIEW, "anonymous_id": "tab", "event_id": "e1"}
    body = {"events": [event]} if is_batch else event
    sent = api.post("/v1/events", key=acorn_publishable_key, json={**body, "user_token": token})
    assert sent.status_code == 202, sent.content
    assert sent.json()["warnings"] == []
    with in_environment(acorn):
        link = IdentityLink.objects.get()
        assert (link.anonymous.external_id, link.user.external_id) == ("tab", "ada")
    # Another token makes no other event of it.
    again = {**body, "user_token": token_for(api, acorn_key, expires_in=DAY)}
    answer = api.post("/v1/events", key=acorn_publishable_key, json=again).json()
    assert (answer["accepted"], answer["duplicates"]) == (0, 1)


def test_an_events_own_token_goes_before_the_batchs(
    api: ApiClient, acorn_key: str, acorn_publishable_key: str
) -> None:
    ada, ben = token_for(api, acorn_key), token_for(api, acorn_key, "ben")
    rows = [VIEW, {**VIEW, "user_id": "ben", "user_token": ben}]
    body = {"events": rows, "user_token": ada}
    answer = api.post("/v1/events", key=acorn_publishable_key, json=body)
    assert answer.json()["accepted"] == 2


def signed(acorn: Environment, made_from: str, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": tokens.ISSUER,
        "aud": tokens.USER_AUDIENCE,
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        "env": acorn.pk,
        "key": ApiKey.objects.get(digest=tokens.digest(made_from)).pk,
        "sub": "ada",
    }
    return tokens.sign({**claims, **changes}, signing_key=str(config().jwt_signing_key))


def test_no_other_token_will_do(
    api: ApiClient,
    acorn: Environment,
    acorn_key: str,
    acorn_test_key: str,
    birch_key: str,
    acorn_publishable_key: str,
) -> None:
    good = signed(acorn, acorn_key)
    header, payload, signature = good.split(".")
    access = api.post("/v1/auth/token", json={"api_key": acorn_key}).json()["access_token"]
    bad: dict[str, Any] = {
        "none": None,
        "no text": 7,
        "no token": "hello",
        "another user's": token_for(api, acorn_key, "ben"),
        "another store's": token_for(api, birch_key),
        "the test environment's": token_for(api, acorn_test_key),
        "another environment's key": signed(acorn, birch_key),
        "nobody's key": signed(acorn, acorn_key, key="key_0"),
        "expired": signed(acorn, acorn_key, exp=int(time.time()) - 60),
        "an access token": access,
        "changed": f"{header}.{payload}.{signature[:-4]}AAAA",
    }
    for name, token in bad.items():
        body = {**VIEW, "user_token": token}
        answer = api.post("/v1/events", key=acorn_publishable_key, json=body)
        problem = assert_problem(answer, 403, "user_token_required")
        assert problem["errors"][0]["pointer"] == "/user_id", name
        assert str(token) not in answer.content.decode() or token in {None, 7}
    body = {**VIEW, "user_token": good}
    assert api.post("/v1/events", key=acorn_publishable_key, json=body).status_code == 202


def test_a_token_ends_with_the_key_that_made_it(
    api: ApiClient, acorn: Environment, acorn_publishable_key: str
) -> None:
    key = make_key(acorn)
    body = {**VIEW, "user_token": token_for(api, key)}
    assert api.post("/v1/events", key=acorn_publishable_key, json=body).status_code == 202
    ApiKey.objects.filter(digest=tokens.digest(key)).update(revoked_at="2026-01-01T00:00:00Z")
    forget_credentials()
    answer = api.post("/v1/events", key=acorn_publishable_key, json=body)
    assert_problem(answer, 403, "user_token_required")


def test_a_server_needs_no_token_and_may_pass_one_on(api: ApiClient, acorn_key: str) -> None:
    answer = api.post("/v1/events", key=acorn_key, json={**VIEW, "user_token": "whatever"})
    assert (answer.status_code, answer.json()["warnings"]) == (202, [])
