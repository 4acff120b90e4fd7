"""What staff may do to a store's billing: each with a reason, each in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from billing.models.adjustment import UsageAdjustment
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket
from billing.models.usage_report import UsageReport
from billing.selectors.account import billable_units
from billing.services.apply_entitlement import apply_entitlement
from billing.services.assign_plan import assign_plan
from billing.services.comp_usage import comp_usage
from billing.services.resend_usage import resend_usage
from saas.lib.errors import Conflict, InvalidParameter, NotFound
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement

NOW = datetime(2026, 11, 15, 12, 30, tzinfo=UTC)
HOUR = datetime(2026, 11, 15, 9, tzinfo=UTC)
BY = {"actor": "staff:eve@shelfwise.example", "reason": "An outage of ours."}


@pytest.fixture(autouse=True)
def november() -> Iterator[None]:
    """The month of these decisions, whenever they are tested."""
    with time_machine.travel(NOW):
        yield


def give(environment: Environment, plan: str = "free", **more: Any) -> None:
    assign_plan(tenant_id=environment.tenant_id, plan_code=plan, now=NOW, **{**BY, **more})


def entitlement(environment: Environment) -> Entitlement:
    with on_platform():
        return Entitlement.objects.get(pk=environment.tenant_id)


@pytest.fixture
def used(acorn: Environment) -> None:
    """A hundred charged calls in one hour, on the free plan."""
    give(acorn)
    with on_platform():
        UsageBucket.objects.create(
            environment_id=acorn.pk, hour=HOUR, operation=1, calls=110, units=100
        )


def comp(environment: Environment, units: int) -> None:
    comp_usage(
        tenant_id=environment.tenant_id,
        hour=HOUR + timedelta(minutes=59),
        units=units,
        **BY,
    )


def charged(environment: Environment) -> int:
    with on_platform():
        return billable_units(
            environment_id=environment.pk, since=HOUR, until=HOUR + timedelta(hours=1)
        )


def test_comped_calls_are_not_charged_and_the_ledger_stays(acorn: Environment, used: None) -> None:
    comp(acorn, 30)

    assert charged(acorn) == 70
    with on_platform():
        assert UsageBucket.objects.get(environment_id=acorn.pk).units == 100
        audit = AuditEvent.objects.get(tenant=acorn.tenant_id, action="usage_comped")
    assert (audit.before, audit.after) == ({"units": 100}, {"units": 70})
    assert (audit.actor, audit.reason) == (BY["actor"], BY["reason"])
    assert audit.object == "hour:2026-11-15T09"


def test_comped_calls_can_be_made_again(acorn: Environment, used: None) -> None:
    comp(acorn, 30)
    apply_entitlement(tenant_id=acorn.tenant_id, now=NOW)

    assert entitlement(acorn).call_limit == 10_030


@pytest.mark.parametrize("units", [0, -1, 71])
def test_no_more_is_taken_off_than_is_charged(acorn: Environment, used: None, units: int) -> None:
    comp(acorn, 30)

    with pytest.raises(InvalidParameter, match="70 are charged"):
        comp(acorn, units)


def test_who_pays_for_nothing_is_comped_nothing(acorn: Environment) -> None:
    with pytest.raises(NotFound):
        comp(acorn, 1)


def test_a_reason_is_not_optional(acorn: Environment, used: None) -> None:
    with pytest.raises(InvalidParameter, match="Say why"):
        comp_usage(tenant_id=acorn.tenant_id, hour=HOUR, units=1, actor="staff:eve", reason=" ")
    with pytest.raises(InvalidParameter, match="Say why"):
        give(acorn, reason="")


def test_a_plan_is_given_for_the_month(acorn: Environment) -> None:
    give(acorn, "enterprise")

    given = entitlement(acorn)
    assert (given.plan, given.state, given.call_limit) == ("enterprise", "active", None)
    assert given.period_end == datetime(2026, 12, 1, tzinfo=UTC)
    with on_platform():
        audit = AuditEvent.objects.get(tenant=acorn.tenant_id, action="plan_assigned")
    assert audit.after == {"plan": "enterprise", "is_trial": False}


def test_a_trial_ends_and_leaves_the_data_readable(acorn: Environment) -> None:
    give(acorn, "growth", is_trial=True)
    assert (entitlement(acorn).state, entitlement(acorn).call_limit) == ("trialing", 20_000)
    assert entitlement(acorn).changes_at == NOW + timedelta(days=14)

    apply_entitlement(tenant_id=acorn.tenant_id, now=NOW + timedelta(days=14))

    assert (entitlement(acorn).state, entitlement(acorn).access) == ("paused", "reads")
    give(acorn, "free")
    assert (entitlement(acorn).state, entitlement(acorn).access) == ("active", "full")


def test_a_bought_plan_is_not_given_away(acorn: Environment) -> None:
    give(acorn)
    with on_platform():
        Subscription.objects.filter(pk=acorn.tenant_id).update(stripe_subscription_id="sub_9")

    with pytest.raises(Conflict):
        give(acorn, "enterprise")


def test_an_unknown_plan_is_not_found(acorn: Environment) -> None:
    with pytest.raises(NotFound, match="'gold'"):
        give(acorn, "gold")


@pytest.mark.parametrize("table", ["tenants_auditevent", "billing_usageadjustment"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET reason = 'other'", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_what_was_written_down_cannot_be_changed(
    acorn: Environment, used: None, table: str, statement: str
) -> None:
    comp(acorn, 1)

    with (
        on_platform(),
        pytest.raises(ProgrammingError, match=r"permission denied|append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))
    with on_platform():
        adjustment = UsageAdjustment.objects.get(environment_id=acorn.pk)
    assert adjustment.reason == BY["reason"]


def test_not_even_the_owner_changes_the_audit_log(migrated: None) -> None:
    import os

    import psycopg

    for table in ("tenants_auditevent", "billing_usageadjustment"):
        with (
            psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        ):
            owner.execute(f"DELETE FROM {table}")


def test_an_hour_is_told_again_with_its_next_revision(acorn: Environment) -> None:
    give(acorn)
    with on_platform():
        UsageReport.objects.create(
            tenant_id=acorn.tenant_id,
            hour=HOUR,
            revision=1,
            units=70,
            last_call_at=HOUR,
            state=UsageReport.State.REJECTED,
            error="no such customer",
        )

    hour = HOUR + timedelta(minutes=30)
    assert resend_usage(tenant_id=acorn.tenant_id, hour=hour, **BY) == 2
    assert resend_usage(tenant_id=acorn.tenant_id, hour=hour, **BY) == 3

    with on_platform():
        reports = UsageReport.objects.filter(tenant=acorn.tenant_id).order_by("revision")
        states = reports.values_list("state", "units")
        assert list(states) == [("rejected", 70), ("superseded", 70), ("pending", 70)]
        audit = AuditEvent.objects.filter(tenant=acorn.tenant_id, action="usage_resent")
        assert [each.before["state"] for each in audit.order_by("pk")] == ["rejected", "pending"]


def test_an_hour_that_was_never_told_is_not_told_again(acorn: Environment) -> None:
    with pytest.raises(NotFound, match="2026-11-15 09:00"):
        resend_usage(tenant_id=acorn.tenant_id, hour=HOUR, **BY)
