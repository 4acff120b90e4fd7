"""From buckets to Stripe's meter: each hour's total, once, whatever happens on the way."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from billing.models.adjustment import UsageAdjustment
from billing.models.usage_report import UsageReport
from billing.selectors.outbox_health import outbox_health
from billing.services.apply_stripe_event import apply_stripe_event
from billing.services.close_hours import close_hours
from billing.services.receive_stripe_event import store_stripe_event
from billing.services.reconcile_usage import reconcile_usage
from billing.services.send_usage_reports import Sent, send_usage_reports
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment

HOUR = timedelta(hours=1)


@pytest.fixture
def noon() -> datetime:
    """The beginning of an hour that ended lately."""
    now = datetime.now(tz=UTC)
    return now.replace(minute=0, second=0, microsecond=0) - 3 * HOUR


def close(at: datetime, **fields: Any) -> int:
    return close_hours(now=at, **fields)


def send(at: datetime | None = None) -> Sent:
    moment = at or datetime.now(tz=UTC)
    return send_usage_reports(now=lambda: moment)


def states() -> list[tuple[int, int, str]]:
    rows = UsageReport.objects.order_by("hour", "revision")
    return [(row.revision, row.units, row.state) for row in rows]


def deeds(customer: Any, action: str) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(tenant=customer.tenant_id, action=action)


def add_call(environment: Environment, at: datetime) -> None:
    """Put a call into the ledger, as the shipper does."""
    call_id = UUID(int=int(at.timestamp() * 1000) << 80 | 7)
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_usageledger"
            " (call_id, at, environment_id, source_id, units, operation, flags)"
            " VALUES (%s, %s, %s, 1, 1, 1, 1)",
            [call_id, at, environment.pk],
        )


def test_an_hour_is_closed_ten_minutes_after_its_end(acorn_customer: Any, noon: datetime) -> None:
    acorn_customer.use(noon, 250)

    assert close(noon + HOUR + timedelta(minutes=9, seconds=59)) == 0
    assert close(noon + HOUR + timedelta(minutes=10)) == 1
    assert close(noon + HOUR + timedelta(minutes=11)) == 0
    assert states() == [(1, 250, "pending")]


def test_a_report_is_dated_by_the_hours_last_call(acorn_customer: Any, noon: datetime) -> None:
    last = noon + timedelta(minutes=17, seconds=3)
    for at in (last, noon + timedelta(minutes=2), noon + HOUR + timedelta(minutes=1)):
        add_call(acorn_customer.environment, at)
    acorn_customer.use(noon, 2)
    close(noon + 2 * HOUR)

    (report,) = UsageReport.objects.all()
    assert report.last_call_at == last
    assert report.identifier == f"rec.{acorn_customer.tenant_id}.{noon:%Y%m%d%H}.1"


def test_stripe_counts_what_the_bucket_says(acorn_customer: Any, noon: datetime) -> None:
    acorn_customer.use(noon, 250)
    acorn_customer.use(noon - HOUR, 7)
    close(noon + 2 * HOUR)

    assert send() == Sent(sent=2)
    assert acorn_customer.counted(noon) == 250
    assert acorn_customer.counted(noon - HOUR) == 7
    assert send() == Sent()


def test_a_test_environment_is_never_billed(
    acorn_customer: Any, acorn_test: Any, noon: Any
) -> None:
    acorn_customer.environment = acorn_test
    acorn_customer.use(noon, 250)

    assert close(noon + 2 * HOUR) == 0


def test_a_store_without_a_subscription_is_not_reported(
    acorn_customer: Any, birch: Environment, noon: datetime
) -> None:
    acorn_customer.environment, acorn = birch, acorn_customer.environment
    acorn_customer.use(noon, 250)
    acorn_customer.environment = acorn

    assert close(noon + 2 * HOUR) == 0


def test_no_tenants_usage_reaches_another_customer(
    subscribe: Any, acorn: Environment, birch: Environment, noon: datetime
) -> None:
    """I10."""
    ours, theirs = subscribe(acorn), subscribe(birch)
    for number in range(6):
        ours.use(noon - number * HOUR, 100 + number)
        theirs.use(noon - number * HOUR, 900 + number)
    close(noon + 2 * HOUR)
    send()

    for number in range(6):
        assert ours.counted(noon - number * HOUR) == 100 + number
        assert theirs.counted(noon - number * HOUR) == 900 + number


def test_a_late_call_makes_the_next_revision_and_is_written_down(
    acorn_customer: Any, noon: datetime
) -> None:
    """I7."""
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)
    send()
    acorn_customer.use(noon, 251)
    close(noon + 2 * HOUR)

    assert states() == [(1, 250, "sent"), (2, 251, "pending")]
    (written,) = deeds(acorn_customer, "usage_report_revised")
    assert (written.before, written.after) == (
        {"revision": 1, "units": 250},
        {"revision": 2, "units": 251},
    )
    send()
    assert acorn_customer.counted(noon) == 251


def test_what_staff_took_off_is_not_reported(acorn_customer: Any, noon: datetime) -> None:
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)
    send()
    for units in (-100, -200):
        UsageAdjustment.objects.create(
            environment_id=acorn_customer.environment.pk,
            hour=noon,
            units=units,
            reason="Ours",
            actor="staff:ada@shelfwise.example",
        )
        close(noon + 2 * HOUR)
        send()

    assert states() == [(1, 250, "sent"), (2, 150, "sent"), (3, 0, "sent")]
    assert acorn_customer.counted(noon) == 0


def test_what_a_report_says_never_changes(acorn_customer: Any, noon: datetime) -> None:
    """I7: the application's login has no right to it."""
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        UsageReport.objects.update(units=1)


def test_only_the_newest_revision_is_sent(acorn_customer: Any, noon: datetime) -> None:
    for units in (250, 251, 249):
        acorn_customer.use(noon, units)
        close(noon + 2 * HOUR)

    assert send() == Sent(sent=1)
    assert states() == [(1, 250, "superseded"), (2, 251, "superseded"), (3, 249, "sent")]
    assert acorn_customer.counted(noon) == 249


@pytest.mark.parametrize("fault", ["500", "503", "429", "drop_before", "drop_after"])
def test_a_fault_puts_a_report_off_and_doubles_nothing(
    acorn_customer: Any, noon: datetime, fault: Any
) -> None:
    """I6."""
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)
    stripe = acorn_customer.stripe
    stripe.post_switches(faults=[fault], fault_path="/v1/billing/meter_events")
    now = datetime.now(tz=UTC)

    assert send(now) == Sent(failed=1)
    assert send(now) == Sent()
    # Stripe has forgotten the key by then, and knows the identifier.
    stripe.world.replays.clear()
    assert send(now + timedelta(minutes=1)) == Sent(sent=1)
    assert acorn_customer.counted(noon) == 250


def test_a_revision_waits_until_the_one_before_can_have_no_effect_any_more(
    acorn_customer: Any, noon: datetime
) -> None:
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)
    acorn_customer.stripe.post_switches(faults=["drop_after"], fault_path="meter_events")
    now = datetime.now(tz=UTC)
    send(now)
    acorn_customer.use(noon, 260)
    close_hours(now=now)

    assert send(now + timedelta(seconds=9)) == Sent()
    assert send(now + timedelta(seconds=31)) == Sent(sent=1)
    assert acorn_customer.counted(noon) == 260


def test_what_stripe_will_never_take_is_marked_and_shown(
    acorn_customer: Any, noon: datetime
) -> None:
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)
    # Stripe's clock is far behind: our hour is in its future.
    acorn_customer.stripe.move_clock(-10 * 86_400)

    assert send() == Sent()
    assert states() == [(1, 250, "rejected")]
    assert outbox_health(now=datetime.now(tz=UTC)).rejected == 1


def test_what_stripe_could_not_count_after_all_is_marked_and_shown(
    acorn_customer: Any, noon: datetime
) -> None:
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)
    world = acorn_customer.stripe.world
    (meter,) = world.all("billing.meter").values()
    meter["status"] = "inactive"
    assert send() == Sent(sent=1)
    (event,) = world.all("v2.core.event").values()
    store_stripe_event(identifier=event["id"], kind=event["type"], body="{}")

    for _ in range(2):
        apply_stripe_event(event_id=event["id"])

    assert states() == [(1, 250, "rejected")]
    assert UsageReport.objects.get().error == "archived_meter"


def test_calls_too_old_for_the_meter_are_charged_at_their_own_months_price(
    acorn_customer: Any, noon: datetime
) -> None:
    # 100,000 are included, and beyond them a call costs 0.05 cents.
    now = datetime.now(tz=UTC)
    month = (now - timedelta(days=70)).replace(day=15, hour=3, minute=0, second=0, microsecond=0)
    for hour, units in ((month, 99_000), (month + HOUR, 3_000), (month + 2 * HOUR, 500)):
        acorn_customer.use(hour, units)
    close_hours(now=month + 4 * HOUR)

    send(now)

    items = acorn_customer.stripe.world.all("invoiceitem").values()
    # Together 2,500 beyond the included ones, whichever hour comes first.
    assert sum(item["amount"] for item in items) == 2_500 * 5 // 100
    assert {item["currency"] for item in items} == {"eur"}
    assert {state for _, _, state in states()} == {"invoiced"}


def test_a_long_absence_of_stripe_loses_nothing(acorn_customer: Any, noon: datetime) -> None:
    hours = [noon - number * HOUR for number in range(48)]
    for number, hour in enumerate(hours):
        acorn_customer.use(hour, number + 1)
    now = datetime.now(tz=UTC)
    close_hours(now=now, back=timedelta(days=3))
    acorn_customer.stripe.post_switches(faults=["503"] * 48 * 3, fault_path="meter_events")
    for number in (0, 24, 47):
        assert send(now + timedelta(hours=number)).sent == 0
    assert outbox_health(now=now + timedelta(hours=48)).oldest_seconds > 30 * 3_600
    acorn_customer.stripe.post_switches(faults=[])

    assert send(now + timedelta(hours=48)) == Sent(sent=48)
    assert [acorn_customer.counted(hour) for hour in hours] == list(range(1, 49))


def test_one_customers_reports_are_sent_one_at_a_time(acorn_customer: Any, noon: datetime) -> None:
    for number in range(4):
        acorn_customer.use(noon - number * HOUR, 5)
    close(noon + 2 * HOUR)
    customer = acorn_customer.id
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with on_platform(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('stripe:' || %s, 0))", [customer]
            )
            held.set()
            done.wait(timeout=30)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    held.wait(timeout=30)
    try:
        assert send() == Sent()
    finally:
        done.set()
        other.join()
    assert send() == Sent(sent=4)


def test_drift_is_found_sent_again_and_alarms_when_it_stays(
    acorn_customer: Any, noon: datetime
) -> None:
    acorn_customer.use(noon, 250)
    acorn_customer.use(noon - HOUR, 40)
    close(noon + 2 * HOUR)
    send()
    later = noon + 4 * HOUR
    assert reconcile_usage(now=later) == 0
    for values in acorn_customer.stripe.world.usage.values():
        values[-1]["value"] += 3

    assert reconcile_usage(now=later) == 2
    health = outbox_health(now=datetime.now(tz=UTC))
    assert health.drift == {str(acorn_customer.tenant_id): (6, 1)}
    assert deeds(acorn_customer, "usage_drift_found").count() == 2
    send()
    assert acorn_customer.counted(noon) == 250
    assert reconcile_usage(now=later) == 0
    assert outbox_health(now=datetime.now(tz=UTC)).drift == {}


def test_drift_that_stays_is_counted_in_rounds(acorn_customer: Any, noon: datetime) -> None:
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)
    acorn_customer.stripe.post_switches(stale_summary_seconds=1e6)
    for _ in range(2):
        send()
        reconcile_usage(now=noon + 4 * HOUR)

    health = outbox_health(now=datetime.now(tz=UTC))
    assert health.drift == {str(acorn_customer.tenant_id): (-250, 2)}


def test_an_hour_that_ended_less_than_two_hours_ago_is_not_compared(
    acorn_customer: Any, noon: datetime
) -> None:
    acorn_customer.use(noon, 250)
    close(noon + 2 * HOUR)
    send()
    acorn_customer.stripe.world.usage.clear()

    assert reconcile_usage(now=noon + 3 * HOUR - timedelta(minutes=1)) == 0
    assert reconcile_usage(now=noon + 3 * HOUR) == 1
