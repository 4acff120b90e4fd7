"""One call behind "change plan": Checkout, a change now or with the next period, the free plan."""

from __future__ import annotations

from typing import Any

import pytest

from billing.models.subscription import Subscription
from billing.services.assign_plan import assign_plan
from billing.services.change_subscription import change_subscription
from billing.services.choose_plan import choose_plan
from billing.services.mirror_plans import mirror_plans
from saas.lib.errors import InvalidParameter, NotFound
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tests.billing.stripe_server import Account

OWNER = "person:olive@acorn-books.example"
BACK: Any = {"success_url": "http://portal.example/paid", "cancel_url": "http://portal.example/no"}


def choose(environment: Environment, plan: str) -> str | None:
    return choose_plan(tenant_id=environment.tenant_id, plan_code=plan, actor=OWNER, **BACK)


def row_of(environment: Environment) -> Subscription:
    return Subscription.objects.get(pk=environment.tenant_id)


def test_a_store_without_a_plan_is_sent_to_checkout_and_comes_back_to_the_portal(
    stripe: Account, acorn: Environment
) -> None:
    mirror_plans()
    url = choose(acorn, "starter")

    assert url is not None
    answer = stripe.press(url, "pay")
    assert answer.headers["location"] == "http://portal.example/paid"


def test_who_turns_back_in_checkout_comes_back_to_the_portal_too(
    stripe: Account, acorn: Environment
) -> None:
    mirror_plans()
    url = choose(acorn, "starter")

    assert url is not None
    assert stripe.press(url, "cancel").headers["location"] == "http://portal.example/no"


def test_who_has_bought_changes_without_checkout(acorn_customer: Any, acorn: Environment) -> None:
    assert choose(acorn, "growth") is None
    assert row_of(acorn).plan_id == "growth"
    (deed,) = AuditEvent.objects.filter(tenant=acorn.tenant_id, action="plan_changed")
    assert (deed.actor, deed.before, deed.after) == (
        OWNER,
        {"plan": "starter"},
        {"plan": "growth", "is_at_once": True},
    )


def test_who_has_bought_goes_down_to_the_free_plan_with_the_next_period(
    acorn_customer: Any, acorn: Environment
) -> None:
    assert choose(acorn, "free") is None
    assert (row_of(acorn).plan_id, row_of(acorn).next_plan_id) == ("starter", "free")
    row = acorn_customer.end_period()
    assert (row.plan_id, row.state, row.next_plan_id) == ("free", "active", None)


def test_the_free_plan_needs_no_checkout(stripe: Account, acorn: Environment) -> None:
    assign_plan(
        tenant_id=acorn.tenant_id, plan_code="growth", actor="command", reason="A", is_trial=True
    )
    assert choose(acorn, "free") is None
    assert (row_of(acorn).plan_id, row_of(acorn).state) == ("free", "active")


@pytest.mark.parametrize("plan", ["enterprise", "gold"])
def test_a_store_cannot_choose_what_is_not_on_offer(
    acorn_customer: Any, acorn: Environment, plan: str
) -> None:
    with pytest.raises(NotFound, match="on offer"):
        choose(acorn, plan)


def test_staff_must_say_why_it_changes_a_plan(acorn_customer: Any) -> None:
    with pytest.raises(InvalidParameter, match="Say why"):
        change_subscription(
            tenant_id=acorn_customer.tenant_id,
            plan_code="growth",
            actor="staff:eve@shelfwise.example",
        )


def test_what_stripe_changed_stands_in_the_stores_own_log(acorn_customer: Any) -> None:
    deeds = AuditEvent.objects.filter(
        tenant=acorn_customer.tenant_id, action="subscription_changed"
    )
    assert [(deed.actor, deed.after["plan"]) for deed in deeds] == [("stripe", "starter")]
