"""Stores hear of half, four fifths and all of their included calls, once in a period."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail

from billing import tasks
from billing.jobs import USAGE_ALERT_JOB
from billing.models.alert import UsageAlert
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket
from billing.services.apply_entitlement import apply_entitlement
from billing.services.mail_usage_alert import mail_usage_alert
from billing.services.warn_of_usage import warn_of_usage
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.person import Member, Person
from tenants.models.webhook import WebhookDelivery
from tenants.services.create_webhook import create_webhook

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def plan(acorn: Environment) -> None:
    """Acorn Books has the free plan: 10,000 calls."""
    with on_platform():
        Subscription.objects.create(
            tenant_id=acorn.tenant_id,
            plan_id="free",
            currency="EUR",
            current_period_start=START,
            current_period_end=END,
        )
    apply_entitlement(tenant_id=acorn.tenant_id, now=NOW)


def use(environment: Environment, units: int, *, hour: datetime = START) -> None:
    with on_platform():
        UsageBucket.objects.update_or_create(
            environment_id=environment.pk,
            hour=hour,
            operation=1,
            defaults={"calls": units, "units": units},
        )


def look() -> None:
    assert warn_of_usage(after_id=0, most=10_000) == 0


def told(environment: Environment) -> list[tuple[int, int]]:
    with on_platform():
        alerts = UsageAlert.objects.filter(tenant=environment.tenant_id).order_by("percent")
        return list(alerts.values_list("percent", "used"))


def jobs() -> list[dict[str, Any]]:
    with on_platform():
        ours = UsageAlert.objects.filter(tenant__slug="acorn-books").values_list("pk", flat=True)
        rows = Job.objects.filter(kind=USAGE_ALERT_JOB, payload__alert_id__in=list(ours))
        rows = rows.order_by("pk")
        return list(rows.values_list("payload", flat=True))


def test_under_half_nothing_is_said(acorn: Environment) -> None:
    use(acorn, 4_999)
    look()

    assert told(acorn) == []


def test_each_threshold_is_told_once(acorn: Environment) -> None:
    for units in (5_000, 5_001, 8_000, 9_999, 10_000, 12_000):
        use(acorn, units)
        look()
        look()

    assert told(acorn) == [(50, 5_000), (80, 8_000), (100, 10_000)]
    assert len(jobs()) == 3


def test_of_several_at_once_the_highest_is_news(acorn: Environment) -> None:
    use(acorn, 10_000)
    look()

    assert [percent for percent, _ in told(acorn)] == [50, 80, 100]
    with on_platform():
        (job,) = jobs()
        assert UsageAlert.objects.get(pk=job["alert_id"]).percent == 100


def test_a_new_period_begins_anew(acorn: Environment) -> None:
    use(acorn, 5_000)
    look()
    use(acorn, 5_000, hour=END)
    apply_entitlement(tenant_id=acorn.tenant_id, now=END)
    look()

    assert len(told(acorn)) == 2


def test_a_round_goes_on_where_it_stopped(acorn: Environment) -> None:
    last = Environment.objects.latest("pk")
    assert warn_of_usage(after_id=acorn.pk - 1, most=1) == acorn.pk
    assert warn_of_usage(after_id=last.pk, most=1) == 0


def test_owners_and_finance_get_a_mail_of_their_own(acorn: Environment) -> None:
    with on_platform():
        for role in ("owner", "finance", "analyst"):
            person = Person.objects.create_user(f"{role}@acorn-books.example")
            Member.objects.create(person=person, tenant_id=acorn.tenant_id, role=role)
    use(acorn, 8_000)
    look()
    (job,) = jobs()

    assert mail_usage_alert(alert_id=job["alert_id"]) == 2

    sent = {message.to[0]: message for message in mail.outbox}
    assert sorted(sent) == ["finance@acorn-books.example", "owner@acorn-books.example"]
    message = sent["owner@acorn-books.example"]
    assert message.subject == "Acorn Books: 80 % of the included recommendation calls used"
    assert "8,000 of the 10,000" in message.body


def test_the_workers_know_the_job() -> None:
    assert tasks.mail_usage_alert.name == USAGE_ALERT_JOB


def test_the_stores_webhook_is_told(acorn: Environment) -> None:
    create_webhook(
        environment=acorn,
        url="https://93.184.215.14/hook",
        events=["quota.threshold"],
        actor="key:test",
    )
    use(acorn, 5_000)
    look()

    with on_platform():
        delivery = WebhookDelivery.objects.get(webhook__environment=acorn.pk)
    assert delivery.type == "quota.threshold"
    assert '"percent":50' in delivery.payload
