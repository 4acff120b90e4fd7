"""What a store's plan means for the calls of the web process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from saas.lib.redis_client import client_of, redis_client
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tenants.selectors.credential import forget_credentials
from tests.api.conftest import ApiClient, assert_problem
from tests.rates import stop_rates


def entitle(environment: Environment, **columns: Any) -> None:
    with on_platform():
        Entitlement.objects.filter(pk=environment.tenant_id).update(**columns)
    forget_credentials()


ITEM = {"title": "A book"}


def test_who_has_stopped_paying_reads_and_exports(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    entitle(acorn, access="reads", state="unpaid")

    assert api.get("/v1/items", key=acorn_key).status_code == 200
    assert api.post("/v1/exports", key=acorn_key, json={"kind": "items"}).status_code == 202
    refused = api.put("/v1/items/one", key=acorn_key, json=ITEM)
    assert_problem(refused, 402, "payment_required")
    assert refused.json()["state"] == "unpaid"
    event = {"type": "view", "session_id": "s", "item_id": "one"}
    assert_problem(api.post("/v1/events", key=acorn_key, json=event), 402, "payment_required")
    assert_problem(api.post("/v1/models:train", key=acorn_key, json={}), 402, "payment_required")


def test_a_closed_store_keeps_its_keys_and_its_shoppers_rights(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    entitle(acorn, access="closed", state="canceled")

    assert_problem(api.get("/v1/items", key=acorn_key), 402, "payment_required")
    assert_problem(
        api.post("/v1/exports", key=acorn_key, json={"kind": "items"}), 402, "payment_required"
    )
    assert api.get("/v1/me", key=acorn_key).status_code == 200
    assert api.get("/v1/keys", key=acorn_key).status_code == 200
    erased = api.post("/v1/privacy/erase", key=acorn_key, json={"user_id": "ann"})
    assert erased.status_code == 202


def test_a_page_does_not_learn_that_its_store_owes_money(
    api: ApiClient, acorn: Environment, acorn_publishable_key: str
) -> None:
    entitle(acorn, access="reads", state="unpaid")

    event = {"type": "view", "session_id": "s", "item_id": "one"}
    refused = api.post("/v1/events", key=acorn_publishable_key, json=event)

    assert_problem(refused, 402, "payment_required")
    assert b"unpaid" not in refused.content


def test_a_store_is_warned_of_its_state(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    assert "X-Billing-State" not in api.get("/v1/me", key=acorn_key).headers
    entitle(acorn, state="past_due")

    assert api.get("/v1/me", key=acorn_key).headers["X-Billing-State"] == "past_due"


def test_a_used_up_quota_refuses_no_event_and_no_item(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    entitle(acorn, call_limit=0, included_calls=0, limited_by="quota")

    assert api.put("/v1/items/one", key=acorn_key, json=ITEM).status_code == 201
    event = {"type": "view", "session_id": "s", "item_id": "one"}
    assert api.post("/v1/events", key=acorn_key, json=event).status_code == 202


def test_a_server_is_held_to_its_plans_rate(
    api: ApiClient, acorn: Environment, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_rates(monkeypatch)
    entitle(acorn, rate_per_second=3, burst=2)

    first, second, third = (api.get("/v1/me", key=acorn_key) for _ in range(3))

    assert first.headers["RateLimit-Policy"] == '"plan";q=2;w=1'
    assert (first.headers["RateLimit"], second.headers["RateLimit"]) == (
        '"plan";r=1;t=1',
        '"plan";r=0;t=1',
    )
    assert_problem(third, 429, "rate_limited")
    assert third.headers["Retry-After"] == "1"


@pytest.fixture
def no_events_yet(acorn: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A day that does not end during the test, without what other tests counted."""
    noon = datetime(2026, 11, 15, 12, tzinfo=UTC)
    monkeypatch.setattr("api.v1.event_allowance.timezone", SimpleNamespace(now=lambda: noon))

    def forget() -> None:
        keys = redis_client().keys(f"sw:{acorn.pk}:events:*")
        if keys:
            redis_client().delete(*keys)

    forget()
    yield
    forget()


def test_the_days_events_are_those_of_the_plan(
    api: ApiClient, acorn: Environment, acorn_key: str, no_events_yet: None
) -> None:
    entitle(acorn, events_per_day=3)
    events = [{"type": "view", "session_id": "s", "item_id": f"i-{n}"} for n in range(2)]

    # The batch that reaches the limit is still taken.
    for _ in range(2):
        answer = api.post("/v1/events", key=acorn_key, json={"events": events})
        assert answer.status_code == 202
    refused = api.post("/v1/events", key=acorn_key, json=events[0])

    assert_problem(refused, 429, "rate_limited")
    # It is noon.
    assert refused.headers["Retry-After"] == str(12 * 3600)
    hit = {"client_id": "1.2", "name": "view_item", "params": {"items": [{"item_id": "i"}]}}
    assert_problem(api.post("/v1/collect/ga4", key=acorn_key, json=hit), 429, "rate_limited")


def test_without_redis_no_event_is_refused(
    api: ApiClient, acorn: Environment, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entitle(acorn, events_per_day=0)
    away = client_of("redis://127.0.0.1:1/0")
    monkeypatch.setattr("api.v1.event_allowance.redis_client", lambda: away)

    event = {"type": "view", "session_id": "s", "item_id": "one"}
    assert api.post("/v1/events", key=acorn_key, json=event).status_code == 202
