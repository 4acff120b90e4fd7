"""Late payments: a mail when it is late, in the middle of the grace and at its end, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail

from billing import tasks
from billing.jobs import PAYMENT_REMINDER_JOB
from billing.models.alert import PaymentReminder
from billing.models.subscription import Subscription
from billing.services.mail_payment_reminder import mail_payment_reminder
from billing.services.remind_of_payments import remind_of_payments
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.person import Member, Person

SINCE = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def late(acorn: Environment) -> None:
    """Acorn Books' card was declined on 3 November."""
    with on_platform():
        Subscription.objects.create(
            tenant_id=acorn.tenant_id,
            plan_id="starter",
            state="past_due",
            past_due_since=SINCE,
            currency="EUR",
            current_period_start=datetime(2026, 11, 1, tzinfo=UTC),
            current_period_end=datetime(2026, 12, 1, tzinfo=UTC),
        )
        for role in ("owner", "finance", "analyst"):
            person = Person.objects.create_user(f"{role}@acorn-books.example")
            Member.objects.create(person=person, tenant_id=acorn.tenant_id, role=role)


def days(environment: Environment) -> list[int]:
    with on_platform():
        told = PaymentReminder.objects.filter(tenant=environment.tenant_id)
        return list(told.order_by("day").values_list("day", flat=True))


def queued() -> list[dict[str, Any]]:
    with on_platform():
        rows = Job.objects.filter(kind=PAYMENT_REMINDER_JOB).order_by("pk")
        return list(rows.values_list("payload", flat=True))


def look(*, after: timedelta) -> None:
    with time_machine.travel(SINCE + after, tick=False):
        remind_of_payments()
        remind_of_payments()


def test_owner_and_finance_are_told_on_three_days_once_each(acorn: Environment) -> None:
    for day, told in (
        (0, [0]),
        (2, [0]),
        (3, [0, 3]),
        (5, [0, 3]),
        (6, [0, 3, 6]),
        (20, [0, 3, 6]),
    ):
        look(after=timedelta(days=day, hours=1))
        assert days(acorn) == told
        assert len(queued()) == 2 * len(told)


def test_after_a_silence_only_the_last_mail_is_sent(acorn: Environment) -> None:
    look(after=timedelta(days=6, hours=1))

    assert days(acorn) == [0, 3, 6]
    assert len(queued()) == 2


def test_the_mail_says_until_when_calls_go_on(acorn: Environment) -> None:
    look(after=timedelta())

    for job in queued():
        assert mail_payment_reminder(**job)
    messages = sorted(mail.outbox, key=lambda each: each.to)
    assert [each.to for each in messages] == [
        ["finance@acorn-books.example"],
        ["owner@acorn-books.example"],
    ]
    assert "calls go on until 10 November 2026, 09:00 UTC" in messages[0].subject
    assert messages[0].extra_headers["Message-ID"] != messages[1].extra_headers["Message-ID"]


def test_a_mail_that_is_sent_again_after_a_crash_is_known_by_its_id(acorn: Environment) -> None:
    look(after=timedelta())
    job = queued()[0]
    for _ in range(2):
        mail_payment_reminder(**job)

    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


def test_who_has_paid_meanwhile_gets_no_mail(acorn: Environment) -> None:
    look(after=timedelta())
    with on_platform():
        Subscription.objects.filter(pk=acorn.tenant_id).update(state="active", past_due_since=None)

    assert [mail_payment_reminder(**job) for job in queued()] == [False, False]
    assert mail.outbox == []


def test_the_next_late_payment_is_told_anew(acorn: Environment) -> None:
    look(after=timedelta())
    with on_platform():
        Subscription.objects.filter(pk=acorn.tenant_id).update(
            past_due_since=SINCE + timedelta(days=30)
        )
    look(after=timedelta(days=30))

    assert days(acorn) == [0, 0]


def test_the_workers_know_the_job() -> None:
    assert tasks.mail_payment_reminder.name == PAYMENT_REMINDER_JOB
