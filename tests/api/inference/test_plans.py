"""What a store's plan means for its calls: refused, limited, counted, and told in headers."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import redis
from psycopg import sql

from billing.metering.record import UsageFlag, tag_of
from tests.api.inference.conftest import Hand, Service
from tests.rates import stop_rates

_AS_BEFORE = {
    "state": "active",
    "access": "full",
    "rate_per_second": None,
    "burst": None,
    "period_start": None,
    "period_end": None,
    "included_calls": None,
    "call_limit": None,
    "limited_by": "",
}
# Each test counts in a period of its own.
_PERIODS = itertools.count(3_600, 3_600)
HOUR = 3_600


@pytest.fixture
def key(acorn_hand: Hand, shop: Callable[..., None]) -> str:
    shop(viewed={"u:ann": [2]})
    return acorn_hand.make_key()


Plan = Callable[..., None]


@pytest.fixture
def plan(acorn_hand: Hand, service: Service) -> Iterator[Plan]:
    """Change what Acorn Books may do, as billing does, and let the serving process know."""
    period_end = int(time.time()) // HOUR * HOUR + 2 * HOUR
    period_start = period_end - HOUR * 100 - next(_PERIODS)

    def change(**columns: Any) -> None:
        names = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(
                sql.Identifier(name),
                sql.SQL("to_timestamp(%s)") if name.startswith("period") else sql.Placeholder(),
            )
            for name in columns
        )
        acorn_hand.connection.execute(
            sql.SQL("UPDATE tenants_entitlement SET {} WHERE tenant_id = %s").format(names),
            (*columns.values(), acorn_hand.environment.tenant_id),
        )
        service.catch_up(acorn_hand.control_seq())

    def change_in_period(**columns: Any) -> None:
        change(
            **{
                "period_start": period_start,
                "period_end": period_end,
                "included_calls": 100,
                **columns,
            }
        )

    yield change_in_period
    change(**_AS_BEFORE)
    acorn_hand.connection.execute(
        "UPDATE tenants_environment SET on_limit = 'popular' WHERE id = %s",
        (acorn_hand.environment.id,),
    )
    with closing(redis.Redis.from_url(os.environ["REDIS_URL"])) as counters:
        for name in counters.scan_iter(f"sw:{acorn_hand.environment.id}:quota:*"):
            counters.delete(name)


def flags(service: Service) -> list[int]:
    return [record.flags for record in service.usage()]


def test_a_store_without_a_plan_is_told_nothing_of_one(service: Service, key: str) -> None:
    headers = service.post("popular", key).headers

    assert not [name for name in headers if name.startswith(("x-quota", "ratelimit", "x-billing"))]


@pytest.mark.parametrize("access", ["reads", "closed"])
def test_a_store_that_does_not_pay_gets_402(
    service: Service, key: str, plan: Plan, access: str
) -> None:
    plan(access=access, state="unpaid")

    answer = service.post("popular", key)

    assert answer.status_code == 402
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["state"]) == ("payment_required", "unpaid")
    assert service.usage() == []


def test_a_page_does_not_learn_that_its_store_owes_money(
    service: Service, acorn_hand: Hand, key: str, plan: Plan
) -> None:
    plan(access="reads", state="unpaid")

    answer = service.post("popular", acorn_hand.make_key(kind="publishable"))

    assert answer.status_code == 402
    assert "unpaid" not in answer.text


def test_a_paid_call_says_how_much_is_left(service: Service, key: str, plan: Plan) -> None:
    plan(call_limit=300)

    first = service.post("popular", key).headers
    second = service.post("popular", key).headers

    assert (first["x-quota-limit"], first["x-quota-used"]) == ("300", "1")
    assert second["x-quota-used"] == "2"
    assert int(second["x-quota-reset"]) > time.time()


def test_without_an_end_the_included_calls_are_told(service: Service, key: str, plan: Plan) -> None:
    plan(call_limit=None, included_calls=1_000)

    headers = service.post("popular", key).headers

    assert (headers["x-quota-limit"], headers["x-quota-used"]) == ("1000", "1")


@pytest.mark.parametrize("state", ["trialing", "past_due"])
def test_a_store_is_warned_of_its_state(service: Service, key: str, plan: Plan, state: str) -> None:
    plan(state=state)

    assert service.post("popular", key).headers["x-billing-state"] == state


def test_a_page_is_told_nothing_of_quotas(
    service: Service, acorn_hand: Hand, key: str, plan: Plan
) -> None:
    plan(call_limit=300, state="trialing")

    headers = service.post("popular", acorn_hand.make_key(kind="publishable")).headers

    assert not [name for name in headers if name.startswith(("x-quota", "x-billing"))]


def test_beyond_the_limit_everybody_gets_the_popular_items_for_nothing(
    service: Service, key: str, plan: Plan
) -> None:
    plan(call_limit=2)
    for_ann = {"user_id": "ann", "limit": 3}
    own = [service.ids("for-user", key, for_ann) for _ in range(2)]

    answer = service.post("for-user", key, for_ann).json()

    assert answer["fallback"] == {"from": "personal", "to": "popular", "reason": "quota_exceeded"}
    assert [item["id"] for item in answer["items"]] == ["item-0", "item-1", "item-2"]
    assert own[0] == own[1] != ["item-0", "item-1", "item-2"]
    assert flags(service) == [UsageFlag.BILLABLE, UsageFlag.BILLABLE, UsageFlag.FALLBACK]


def test_a_limited_selection_stays_a_selection(service: Service, key: str, plan: Plan) -> None:
    plan(call_limit=0)

    assert service.ids("rerank", key, {"item_ids": ["item-5", "item-3"]}) == ["item-3", "item-5"]


def test_a_limited_answer_keeps_to_its_rules(service: Service, key: str, plan: Plan) -> None:
    plan(call_limit=0)

    ids = service.ids("similar", key, {"item_id": "item-0", "exclude": ["item-1"], "limit": 2})

    assert ids == ["item-2", "item-3"]


def test_who_prefers_an_error_gets_429(
    service: Service, acorn_hand: Hand, key: str, plan: Plan
) -> None:
    acorn_hand.connection.execute(
        "UPDATE tenants_environment SET on_limit = 'error' WHERE id = %s",
        (acorn_hand.environment.id,),
    )
    plan(call_limit=1, limited_by="spend_cap")
    assert service.post("popular", key).status_code == 200

    answer = service.post("popular", key)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 2 * HOUR
    problem = answer.json()
    assert (problem["code"], problem["limit"], problem["used"]) == ("quota_exceeded", 1, 1)
    assert "/v1/usage/limits" in problem["detail"]
    assert problem["resets_at"].endswith(":00:00Z")


def test_an_empty_answer_costs_nothing(service: Service, key: str, plan: Plan) -> None:
    plan(call_limit=1)
    nothing = {"filter": {"==": ["brand", "of nobody"]}}

    for _ in range(3):
        assert service.ids("popular", key, nothing) == []

    assert service.post("popular", key).json()["fallback"] is None


def test_a_refused_call_costs_nothing(service: Service, key: str, plan: Plan) -> None:
    plan(call_limit=1)

    assert service.post("popular", key, {"limit": 0}).status_code == 400
    assert service.post("popular", key).json()["fallback"] is None


def test_a_batch_uses_a_unit_for_each_box_and_falls_back_box_by_box(
    service: Service, key: str, plan: Plan
) -> None:
    plan(call_limit=3)
    boxes = [{"type": "popular", "limit": 1}] * 4

    answer = service.request(
        "POST",
        "/v1/recommend:batch",
        json={"requests": boxes},
        headers={"Authorization": f"Bearer {key}"},
    ).json()["results"]

    reasons = [(each["fallback"] or {}).get("reason") for each in answer]
    assert reasons == [None, None, None, "quota_exceeded"]


def test_the_test_environment_has_no_quota(
    service: Service, acorn_test_hand: Hand, key: str, plan: Plan
) -> None:
    plan(call_limit=0)
    acorn_test_hand.put("trial-item")
    test_key = acorn_test_hand.make_key()
    service.catch_up(acorn_test_hand.control_seq())

    answer = service.post("popular", test_key)

    assert "x-quota-limit" not in answer.headers
    assert answer.json()["fallback"]["reason"] == "no_model"


def test_an_explanation_costs_nothing(service: Service, key: str, plan: Plan) -> None:
    plan(call_limit=1)

    for _ in range(2):
        answer = service.request(
            "POST",
            "/v1/explain",
            json={"type": "popular", "item_id": "item-0"},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == 200, answer.text

    assert answer.headers["x-quota-used"] == "0"


def test_a_server_is_held_to_its_plans_rate(
    service: Service, key: str, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_rates(monkeypatch)
    plan(rate_per_second=1, burst=2)

    first, second, third = (service.post("popular", key) for _ in range(3))

    assert first.headers["ratelimit-policy"] == '"plan";q=2;w=2'
    assert first.headers["ratelimit"] == '"plan";r=1;t=1'
    assert second.status_code == 200
    assert (third.status_code, third.json()["code"]) == (429, "rate_limited")
    assert int(third.headers["retry-after"]) >= 1


def test_a_raised_limit_acts_at_once(service: Service, key: str, plan: Plan) -> None:
    plan(call_limit=1)
    service.post("popular", key)
    assert service.post("popular", key).json()["fallback"]["reason"] == "quota_exceeded"

    plan(call_limit=2)

    assert service.post("popular", key).json()["fallback"] is None
    assert service.post("popular", key).json()["fallback"]["reason"] == "quota_exceeded"


def test_a_call_is_recorded_with_its_key_and_its_placement(
    service: Service, acorn_hand: Hand, key: str
) -> None:
    service.post("popular", key, {"placement": "home"})
    service.post("popular", key)

    placed, plain = service.usage()
    assert placed.key_tag == plain.key_tag == tag_of(acorn_hand.key_id(key))
    assert (placed.placement_tag, plain.placement_tag) == (tag_of("home"), 0)
