"""/v1/usage: what a store has used and what it costs, and the cap that it sets itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from billing.metering.record import Operation, tag_of
from billing.models.adjustment import UsageAdjustment
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket, UsageDetail, UsageLabel, UsageShipper
from billing.services.apply_entitlement import apply_entitlement
from tenants import tokens
from tenants.context import on_platform
from tenants.models.api_key import ApiKey
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tests.api.conftest import ApiClient, assert_problem

# A tenth of the month is over.
NOW = datetime(2026, 11, 4, tzinfo=UTC)
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def subscribe(environment: Environment, plan: str = "starter", **fields: Any) -> None:
    with on_platform():
        Subscription.objects.create(
            tenant_id=environment.tenant_id,
            plan_id=plan,
            currency="EUR",
            current_period_start=START,
            current_period_end=END,
            **fields,
        )
    apply_entitlement(tenant_id=environment.tenant_id)


def use(
    environment: Environment,
    hour: datetime,
    units: int,
    *,
    operation: int = Operation.FOR_USER,
    unbilled: int = 0,
) -> None:
    with on_platform():
        UsageBucket.objects.create(
            environment_id=environment.pk,
            hour=hour,
            operation=operation,
            calls=units + unbilled,
            units=units,
        )


def usage(api: ApiClient, key: str, query: str = "") -> dict[str, Any]:
    answer = api.get(f"/v1/usage{query}", key=key)
    assert answer.status_code == 200, answer.content
    shown: dict[str, Any] = answer.json()
    return shown


def test_a_store_without_a_plan_sees_its_calls_of_the_month(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    use(acorn, START, 7, unbilled=2)
    use(acorn, START - timedelta(hours=1), 100)

    shown = usage(api, acorn_key)

    assert shown["period"] == {
        "start": "2026-11-01T00:00:00+00:00",
        "end": "2026-12-01T00:00:00+00:00",
    }
    assert (shown["included"], shown["used"], shown["spend"]) == (None, 7, None)
    assert shown["data"] == [{"start": "2026-11-01T00:00:00+00:00", "calls": 9, "units": 7}]


def test_what_goes_beyond_is_priced_and_projected(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    subscribe(acorn)
    use(acorn, START, 120_000)

    shown = usage(api, acorn_key)

    assert (shown["included"], shown["used"], shown["remaining"]) == (100_000, 120_000, 0)
    assert (shown["overage"], shown["limit"]) == (20_000, 300_000)
    # 49 euros, and 20,000 calls at 0.05 cents.
    assert shown["spend"] == {"amount": "59.00", "currency": "EUR"}
    # Ten times as much in ten times the time: 1,100,000 beyond the included ones.
    assert shown["projected"] == 1_200_000
    assert shown["projected_spend"] == {"amount": "599.00", "currency": "EUR"}


def test_what_staff_took_off_is_not_charged(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    subscribe(acorn)
    use(acorn, START, 120_000)
    with on_platform():
        UsageAdjustment.objects.create(
            environment_id=acorn.pk, hour=START, units=-5_000, reason="outage", actor="staff"
        )

    shown = usage(api, acorn_key)

    assert (shown["used"], shown["overage"]) == (115_000, 15_000)


def test_usage_is_of_the_credentials_environment(
    api: ApiClient, acorn: Environment, acorn_key: str, acorn_test_key: str, birch_key: str
) -> None:
    use(acorn, START, 7)

    assert usage(api, acorn_key)["used"] == 7
    assert usage(api, acorn_test_key)["used"] == 0
    assert usage(api, birch_key)["data"] == []


def test_days_are_the_stores_own(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    use(acorn, datetime(2026, 11, 1, 23, tzinfo=UTC), 1)
    use(acorn, datetime(2026, 11, 2, 1, tzinfo=UTC), 2)
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(timezone="Europe/Berlin")

    # 23:00 UTC is midnight in Berlin.
    assert usage(api, acorn_key)["data"] == [
        {"start": "2026-11-02T00:00:00+01:00", "calls": 3, "units": 3}
    ]


def test_hours_and_operations(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    use(acorn, START, 1)
    use(acorn, START, 2, operation=Operation.BOUGHT_TOGETHER)
    use(acorn, START + timedelta(hours=1), 4)
    span = "from=2026-11-01T00:00:00Z&to=2026-11-01T01:00:00Z"

    assert usage(api, acorn_key, f"?group=hour&{span}")["data"] == [
        {"start": "2026-11-01T00:00:00+00:00", "calls": 3, "units": 3}
    ]
    assert usage(api, acorn_key, f"?group=operation&{span}")["data"] == [
        {"operation": "for-user", "calls": 1, "units": 1},
        {"operation": "bought-together", "calls": 2, "units": 2},
    ]


def test_it_says_up_to_when_all_is_counted(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    with on_platform():
        for host, seconds in (("a", 2), ("b", 3), ("gone", 3_600)):
            UsageShipper.objects.create(host=host, shipped_up_to=NOW - timedelta(seconds=seconds))

    assert usage(api, acorn_key)["as_of"] == "2026-11-03T23:59:57+00:00"


@pytest.mark.parametrize(
    "query",
    [
        "group=week",
        "from=yesterday",
        "from=2026-11-01T00:00:00",
        "from=2026-11-02T00:00:00Z&to=2026-11-02T00:00:00Z",
        "group=hour&from=2026-01-01T00:00:00Z",
        "from=2020-01-01T00:00:00Z",
        "since=2026-11-02T00:00:00Z",
    ],
)
def test_bad_questions_are_refused(api: ApiClient, acorn_key: str, query: str) -> None:
    assert_problem(api.get(f"/v1/usage?{query}", key=acorn_key), 400, "invalid_parameter")


def test_a_cap_is_set_told_and_lifted(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    subscribe(acorn)
    cap = {"amount": "74.00", "currency": "EUR"}

    set_to = api.put("/v1/usage/limits", json={"spend_cap": cap}, key=acorn_key)

    assert (set_to.status_code, set_to.json()) == (200, {"spend_cap": cap})
    shown = usage(api, acorn_key)
    # 25 euros beyond the price buy 50,000 calls at 0.05 cents, beside the included 100,000.
    assert (shown["spend_cap"], shown["limit"]) == (cap, 150_000)
    with on_platform():
        entitlement = Entitlement.objects.get(pk=acorn.tenant_id)
        assert (entitlement.call_limit, entitlement.limited_by) == (150_000, "spend_cap")
        audit = AuditEvent.objects.get(tenant=acorn.tenant_id, action="spend_cap_changed")
        assert (audit.before, audit.after) == ({"spend_cap": None}, {"spend_cap": "74.00"})

    api.put("/v1/usage/limits", json={"spend_cap": None}, key=acorn_key)
    assert usage(api, acorn_key)["limit"] == 300_000


def test_an_amount_may_be_a_number(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    subscribe(acorn)

    answer = api.put(
        "/v1/usage/limits",
        json={"spend_cap": {"amount": 74, "currency": "EUR"}},
        key=acorn_key,
    )

    assert answer.json()["spend_cap"]["amount"] == "74.00"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_parameter"),
        ({"spend_cap": 5}, "invalid_parameter"),
        ({"spend_cap": {"amount": "5"}}, "invalid_parameter"),
        ({"spend_cap": {"amount": "-1", "currency": "EUR"}}, "invalid_parameter"),
        ({"spend_cap": {"amount": "0.001", "currency": "EUR"}}, "invalid_parameter"),
        ({"spend_cap": {"amount": "NaN", "currency": "EUR"}}, "invalid_parameter"),
        ({"spend_cap": {"amount": "1e999999999", "currency": "EUR"}}, "invalid_parameter"),
        ({"spend_cap": {"amount": "", "currency": "EUR"}}, "invalid_parameter"),
        ({"spend_cap": {"amount": True, "currency": "EUR"}}, "invalid_parameter"),
        ({"spend_cap": {"amount": "5", "currency": "USD"}}, "invalid_parameter"),
        ({"spend_cap": {"amount": "5", "currency": "EUR", "per": "day"}}, "unknown_field"),
        ({"spendcap": None}, "unknown_field"),
    ],
)
def test_bad_caps_are_refused(
    api: ApiClient, acorn: Environment, acorn_key: str, body: Any, code: str
) -> None:
    subscribe(acorn)

    assert_problem(api.put("/v1/usage/limits", json=body, key=acorn_key), 400, code)


def test_without_a_plan_or_for_a_test_environment_there_is_nothing_to_cap(
    api: ApiClient, acorn: Environment, acorn_key: str, acorn_test_key: str
) -> None:
    cap = {"spend_cap": {"amount": "5", "currency": "EUR"}}

    assert_problem(api.put("/v1/usage/limits", json=cap, key=acorn_key), 409, "conflict")
    subscribe(acorn)
    assert_problem(api.put("/v1/usage/limits", json=cap, key=acorn_test_key), 409, "conflict")


def test_a_store_that_does_not_pay_sees_what_it_owes(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    subscribe(
        acorn,
        state="unpaid",
        past_due_since=NOW - timedelta(days=60),
        stripe_subscription_id="sub_1",
    )

    assert usage(api, acorn_key)["state"] == "unpaid"


def test_placements_and_keys(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    with on_platform():
        key_id = ApiKey.objects.get(digest=tokens.digest(acorn_key)).pk
        UsageLabel.objects.get_or_create(environment_id=acorn.pk, tag=tag_of("home"), name="home")
        for hour, placement_tag, calls in (
            (0, tag_of("home"), 5),
            (1, tag_of("home"), 2),
            (1, 0, 4),
        ):
            UsageDetail.objects.create(
                environment_id=acorn.pk,
                hour=START + timedelta(hours=hour),
                key_tag=tag_of(key_id),
                placement_tag=placement_tag,
                calls=calls,
                units=calls - 1,
            )

    assert usage(api, acorn_key, "?group=placement")["data"] == [
        {"placement": "home", "calls": 7, "units": 5},
        {"placement": None, "calls": 4, "units": 3},
    ]
    assert usage(api, acorn_key, "?group=key")["data"] == [
        {"key_id": key_id, "calls": 11, "units": 8}
    ]
