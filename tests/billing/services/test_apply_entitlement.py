from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.services.apply_due_entitlements import apply_due_entitlements
from billing.services.apply_entitlement import apply_entitlement
from tenants.context import on_platform
from tenants.models.environment import ControlClock, Environment
from tenants.models.tenant import Entitlement

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
PERIOD = {
    "current_period_start": datetime(2026, 11, 1, tzinfo=UTC),
    "current_period_end": datetime(2026, 12, 1, tzinfo=UTC),
}


def subscribe(environment: Environment, plan: str, **fields: Any) -> None:
    with on_platform():
        Subscription.objects.create(
            tenant_id=environment.tenant_id,
            plan_id=plan,
            currency="EUR",
            **{**PERIOD, **fields},
        )


def entitlement(environment: Environment) -> Entitlement:
    with on_platform():
        return Entitlement.objects.get(pk=environment.tenant_id)


def control_seq() -> int:
    with on_platform():
        return ControlClock.objects.get().seq


def test_a_store_without_a_subscription_is_held_to_no_limit(acorn: Environment) -> None:
    before = control_seq()

    assert apply_entitlement(tenant_id=acorn.tenant_id, now=NOW) is None

    kept = entitlement(acorn)
    limits = (kept.access, kept.rate_per_second, kept.call_limit, kept.catalogue_items)
    assert limits == ("full", None, None, None)
    assert control_seq() == before


def test_a_plan_becomes_what_every_process_reads(acorn: Environment, birch: Environment) -> None:
    subscribe(acorn, "starter")

    apply_entitlement(tenant_id=acorn.tenant_id, now=NOW)

    given = entitlement(acorn)
    assert (given.plan, given.state, given.access) == ("starter", "active", "full")
    assert (given.rate_per_second, given.burst) == (25, 50)
    assert (given.call_limit, given.limited_by) == (300_000, "quota")
    assert given.catalogue_items == 50_000
    assert entitlement(birch).plan == "free"


def test_a_decision_that_changes_nothing_wakes_nobody(acorn: Environment) -> None:
    subscribe(acorn, "starter")
    apply_entitlement(tenant_id=acorn.tenant_id, now=NOW)
    before = control_seq()

    apply_entitlement(tenant_id=acorn.tenant_id, now=NOW + timedelta(minutes=1))

    assert control_seq() == before


def test_a_late_payment_closes_the_store_when_its_grace_is_over(acorn: Environment) -> None:
    late = timezone.now() - timedelta(days=6, hours=23)
    subscribe(
        acorn, "starter", state="past_due", past_due_since=late, stripe_subscription_id="sub_1"
    )
    apply_entitlement(tenant_id=acorn.tenant_id)
    assert entitlement(acorn).access == "full"
    assert apply_due_entitlements() == 0

    with on_platform():
        Entitlement.objects.filter(pk=acorn.tenant_id).update(changes_at=timezone.now())
        Subscription.objects.filter(pk=acorn.tenant_id).update(
            past_due_since=timezone.now() - timedelta(days=7)
        )

    assert apply_due_entitlements() == 1
    assert (entitlement(acorn).access, entitlement(acorn).state) == ("reads", "past_due")


def test_a_subscription_of_ours_begins_its_next_month_by_itself(acorn: Environment) -> None:
    subscribe(acorn, "growth", next_plan_id="free")
    apply_entitlement(tenant_id=acorn.tenant_id, now=NOW)
    assert entitlement(acorn).changes_at == PERIOD["current_period_end"]

    apply_entitlement(tenant_id=acorn.tenant_id, now=datetime(2026, 12, 1, tzinfo=UTC))

    given = entitlement(acorn)
    assert (given.period_start, given.period_end) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert (given.plan, given.call_limit) == ("free", 10_000)


def test_one_of_ours_that_was_cancelled_ends_with_its_month(acorn: Environment) -> None:
    subscribe(acorn, "growth", cancel_at_period_end=True)

    apply_entitlement(tenant_id=acorn.tenant_id, now=datetime(2026, 12, 1, tzinfo=UTC))

    assert (entitlement(acorn).state, entitlement(acorn).access) == ("canceled", "reads")


def test_stripe_alone_moves_the_period_of_its_subscriptions(acorn: Environment) -> None:
    subscribe(acorn, "growth", stripe_subscription_id="sub_1")

    apply_entitlement(tenant_id=acorn.tenant_id, now=datetime(2026, 12, 1, tzinfo=UTC))

    assert entitlement(acorn).period_end == PERIOD["current_period_end"]


def test_one_subscription_that_cannot_be_read_keeps_no_other_waiting(
    acorn: Environment, birch: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Exception] = []
    monkeypatch.setattr("billing.services.apply_due_entitlements.report_error", reported.append)
    for place, environment in enumerate((acorn, birch)):
        subscribe(environment, ("free", "starter")[place])
        due = timezone.now() - timedelta(minutes=2 - place)
        with on_platform():
            Entitlement.objects.filter(pk=environment.tenant_id).update(changes_at=due)
    with on_platform():
        Plan.objects.filter(pk="free").update(tiers=[])

    assert apply_due_entitlements() == 2

    assert len(reported) == 1
    assert entitlement(birch).call_limit == 300_000
