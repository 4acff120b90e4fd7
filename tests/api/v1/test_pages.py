"""What a store's pages may do with a publishable key."""

from __future__ import annotations

import pytest

from saas.lib import rate_limit
from saas.lib.rate_limit import RateLimit
from tests.api.conftest import ApiClient, assert_problem

SHOP = "https://acorn-books.example"
EVENT = {"type": "view", "session_id": "s", "item_id": "a"}


def test_a_preflight_is_answered_without_a_key(api: ApiClient) -> None:
    answer = api.request("OPTIONS", "/v1/events", headers={"Origin": SHOP})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "86400"


def test_what_is_not_for_pages_answers_no_preflight(api: ApiClient) -> None:
    answer = api.request("OPTIONS", "/v1/items:batch", headers={"Origin": SHOP})
    assert_problem(answer, 401, "invalid_token")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_on_the_list_may_send_events_and_read_the_answer(
    api: ApiClient, acorn_publishable_key: str
) -> None:
    answer = api.post("/v1/events", key=acorn_publishable_key, json=EVENT, headers={"Origin": SHOP})
    assert answer.status_code == 202, answer.content
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Origin" in answer.headers["Vary"]


def test_another_page_is_told_that_it_is_not_on_the_list(
    api: ApiClient, acorn_publishable_key: str
) -> None:
    for origin in ("https://evil.example", "null", SHOP + ".evil.example", SHOP.upper()):
        answer = api.post(
            "/v1/events", key=acorn_publishable_key, json=EVENT, headers={"Origin": origin}
        )
        assert_problem(answer, 403, "origin_not_allowed")


def test_an_app_without_an_origin_may_use_the_key(
    api: ApiClient, acorn_publishable_key: str
) -> None:
    answer = api.post("/v1/events", key=acorn_publishable_key, json=EVENT)
    assert answer.status_code == 202


def test_a_secret_key_on_a_page_gets_no_help(api: ApiClient, acorn_key: str) -> None:
    answer = api.post("/v1/events", key=acorn_key, json=EVENT, headers={"Origin": SHOP})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("key", [None, "sk_live_wrong"])
def test_a_page_can_read_why_it_was_refused(api: ApiClient, key: str | None) -> None:
    answer = api.post("/v1/events", key=key, json=EVENT, headers={"Origin": SHOP})
    assert_problem(answer, 401, "invalid_token")
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP


def test_a_page_takes_nothing_back(api: ApiClient, acorn_publishable_key: str) -> None:
    answer = api.delete("/v1/events/some-id", key=acorn_publishable_key)
    assert_problem(answer, 403, "insufficient_scope")


def test_a_page_has_a_rate_and_is_told_what_is_left_of_it(
    api: ApiClient, acorn_key: str, acorn_publishable_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "PAGE_RATE", RateLimit(per_second=0.01, burst=2))
    page = {"key": acorn_publishable_key, "json": EVENT, "headers": {"Origin": SHOP}}
    first = api.post("/v1/events", **page)
    assert (first.status_code, first.headers["RateLimit"]) == (202, '"page";r=1;t=100')
    api.post("/v1/events", **page)
    refused = api.post("/v1/events", **page)
    assert "127.0.0.1" in assert_problem(refused, 429, "rate_limited")["detail"]
    assert refused.headers["Retry-After"] in {"100", "99"}
    assert refused.headers["RateLimit-Policy"] == '"page";q=2;w=200'
    assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]
    # A server's calls are not counted.
    answer = api.post("/v1/events", key=acorn_key, json=EVENT)
    assert answer.status_code == 202
    assert "RateLimit" not in answer.headers
