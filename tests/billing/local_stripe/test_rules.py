"""What the local Stripe enforces of Stripe's documented rules, seen by the real client."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
import stripe

from tests.billing.stripe_server import Account
from tests.chaos.processes import wait_for

HOUR = 3_600


def refused(error: pytest.ExceptionInfo[stripe.StripeError]) -> tuple[Any, ...]:
    return error.value.http_status, error.value.code, getattr(error.value, "param", None)


def test_a_key_that_is_none_is_refused(account: Account) -> None:
    client = stripe.StripeClient("nonsense", base_addresses={"api": account.address})

    with pytest.raises(stripe.AuthenticationError):
        client.v1.customers.create({})


@pytest.mark.parametrize(
    ("sent", "code", "param"),
    [
        ({"nmae": "x"}, "parameter_unknown", "nmae"),
        ({"invoice_settings": {"x": "y"}}, "parameter_unknown", "invoice_settings[x]"),
        ({"name": "x" * 5_001}, None, "name"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
        ({"metadata": {str(n): "v" for n in range(51)}}, None, "metadata"),
        ({"tax": {"validate_location": "someday"}}, None, "tax[validate_location]"),
        ({"balance": "much"}, "parameter_invalid_integer", "balance"),
    ],
)
def test_parameters_are_held_to_the_request_types(
    account: Account, sent: Any, code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        account.client.v1.customers.create(sent)

    assert refused(error) == (400, code, param)


def test_a_missing_parameter_is_named(account: Account) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        account.client.v1.billing.meters.create({"display_name": "Calls"})

    assert refused(error) == (400, "parameter_missing", "default_aggregation")


def test_what_the_local_stripe_lacks_is_a_404(account: Account) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        account.client.v1.payment_intents.create({"amount": 1, "currency": "eur"})

    assert error.value.http_status == 404


def test_a_repeated_idempotency_key_replays_for_a_day_and_refuses_other_parameters(
    account: Account,
) -> None:
    def create(name: str) -> str:
        key: Any = {"idempotency_key": "tenant-1"}
        return str(account.client.v1.customers.create({"name": name}, options=key).id)

    first = create("Acorn")

    assert create("Acorn") == first
    with pytest.raises(stripe.IdempotencyError):
        create("Birch")
    account.move_clock(24 * HOUR)
    assert create("Birch") != first


def test_an_identifier_counts_once_a_day(account: Account) -> None:
    account.make_meter()
    customer = account.make_customer()
    account.report(customer, 5, identifier="rec.1")

    with pytest.raises(stripe.InvalidRequestError) as error:
        account.report(customer, 6, identifier="rec.1")

    assert "already exists with identifier rec.1" in str(error.value)
    account.move_clock(24 * HOUR)
    account.report(customer, 6, identifier="rec.1")


@pytest.mark.parametrize(
    ("offset", "code"),
    [
        (-35 * 24 * HOUR - 60, "timestamp_too_far_in_past"),
        (-35 * 24 * HOUR + 60, None),
        (290, None),
        (360, "timestamp_in_future"),
    ],
)
def test_events_of_the_past_35_days_and_the_next_5_minutes_are_taken(
    account: Account, offset: int, code: str | None
) -> None:
    account.make_meter()
    customer = account.make_customer()
    at = int(time.time()) + offset

    if code is None:
        account.report(customer, 1, timestamp=at)
        return
    with pytest.raises(stripe.InvalidRequestError) as error:
        account.report(customer, 1, timestamp=at)
    assert error.value.code == code


@pytest.mark.parametrize("value", ["1.5", "many", ""])
def test_values_are_whole_numbers(account: Account, value: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        account.report(account.make_customer(), value)

    assert refused(error) == (400, None, "payload[value]")


def totals(account: Account, meter: str, customer: str, *, hours: int = 3) -> list[Any]:
    end = (int(time.time() + account.world.clock_offset) // HOUR + 1) * HOUR
    found = account.client.v1.billing.meters.event_summaries.list(
        meter,
        {
            "customer": customer,
            "start_time": end - hours * HOUR,
            "end_time": end,
            "value_grouping_window": "hour",
        },
    )
    return [row.aggregated_value for row in found.data]


def test_the_newest_event_of_an_hour_overwrites_the_others(account: Account) -> None:
    meter = account.make_meter().id
    customer = account.make_customer()
    hour = int(time.time()) // HOUR * HOUR
    for value in (5, 9, 7):
        account.report(customer, value, timestamp=hour - HOUR + 10 * value)
    account.report(customer, 3, timestamp=hour)

    assert totals(account, meter, customer) == [3, 7]


def test_without_a_window_events_add_up(account: Account) -> None:
    meter = account.client.v1.billing.meters.create(
        {
            "display_name": "Calls",
            "event_name": "calls",
            "default_aggregation": {"formula": "sum"},
        }
    ).id
    customer = account.make_customer()
    account.report(customer, 5)
    account.report(customer, 9)

    assert sum(totals(account, meter, customer)) == 14


def test_summaries_keep_to_their_windows_bounds(account: Account) -> None:
    meter = account.make_meter().id
    customer = account.make_customer()

    with pytest.raises(stripe.InvalidRequestError) as error:
        account.client.v1.billing.meters.event_summaries.list(
            meter,
            {
                "customer": customer,
                "start_time": 60,
                "end_time": HOUR,
                "value_grouping_window": "hour",
            },
        )

    assert refused(error) == (400, None, "start_time")


def test_stale_summaries_lack_what_has_just_come(account: Account) -> None:
    meter = account.make_meter().id
    customer = account.make_customer()
    account.report(customer, 5)
    account.post_switches(stale_summary_seconds=60)

    assert totals(account, meter, customer) == []
    account.move_clock(61)
    assert totals(account, meter, customer) == [5]


def test_two_calls_at_once_for_a_customers_meter_meet_a_429(
    account: Account, stripe_server: Any
) -> None:
    account.make_meter()
    customer, other = account.make_customer(), account.make_customer()
    account.post_switches(meter_event_seconds=2)
    first = threading.Thread(target=account.report, args=(customer, 1))
    first.start()
    wait_for("the first to be under way", lambda: stripe_server[0].busy_meters)
    account.post_switches(meter_event_seconds=0)

    with pytest.raises(stripe.RateLimitError):
        account.report(customer, 2)
    account.report(other, 3)
    first.join()
    account.report(customer, 4)


@pytest.mark.parametrize(
    ("customer", "event_name", "code", "kind"),
    [
        ("cus_nobody", "calls", "meter_event_customer_not_found", "error_report_triggered"),
        ("", "nothing", "no_meter", "no_meter_found"),
    ],
)
def test_what_stripe_finds_out_later_comes_as_an_error_report(
    account: Account, customer: str, event_name: str, code: str, kind: str
) -> None:
    account.make_meter()
    account.client.v1.billing.meter_events.create(
        {
            "event_name": event_name,
            "payload": {"stripe_customer_id": customer, "value": "1"},
            "identifier": "rec.9",
        }
    )

    (report,) = account.world.all("v2.core.event").values()
    assert report["type"] == f"v1.billing.meter.{kind}"
    (found,) = report["data"]["reason"]["error_types"]
    assert found["code"] == code
    assert found["sample_errors"][0]["request"]["identifier"] == "rec.9"


def test_a_cancelled_event_counts_no_longer_and_only_for_a_day(account: Account) -> None:
    meter = account.make_meter().id
    customer = account.make_customer()
    account.report(customer, 5, identifier="rec.1")
    account.report(customer, 9, identifier="rec.2")

    def cancel(identifier: str) -> None:
        account.client.v1.billing.meter_event_adjustments.create(
            {"event_name": "calls", "type": "cancel", "cancel": {"identifier": identifier}}
        )

    cancel("rec.2")

    assert totals(account, meter, customer) == [5]
    account.move_clock(24 * HOUR + 1)
    with pytest.raises(stripe.InvalidRequestError):
        cancel("rec.1")


def test_a_closed_meter_takes_no_price_and_no_event(account: Account) -> None:
    meter = account.make_meter().id
    account.client.v1.billing.meters.deactivate(meter)

    with pytest.raises(stripe.InvalidRequestError) as error:
        account.make_prices(meter)

    assert error.value.code == "archived_meter"


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("500", stripe.APIError),
        ("503", stripe.APIError),
        ("429", stripe.RateLimitError),
        ("drop_before", stripe.APIConnectionError),
        ("drop_after", stripe.APIConnectionError),
    ],
)
def test_a_fault_hits_the_next_request_alone(account: Account, fault: Any, raised: Any) -> None:
    account.post_switches(faults=[fault])

    with pytest.raises(raised):
        account.client.v1.customers.create({"name": "Acorn"})

    was_applied = fault == "drop_after"
    assert len(account.client.v1.customers.list().data) == was_applied


def test_a_slow_answer_comes_late(account: Account) -> None:
    account.post_switches(faults=["slow"], slow_seconds=0.2)
    began = time.monotonic()

    account.client.v1.customers.list()

    assert time.monotonic() - began >= 0.2


def test_switches_are_turned_over_http_and_unknown_ones_named(account: Account) -> None:
    url = f"{account.address}/_local/switches"
    with httpx.Client(trust_env=False) as client:
        moved = client.post(url, json={"advance": HOUR, "faults": ["500"]})
        wrong = client.post(url, json={"fautls": []})

    assert moved.json()["faults"] == ["500"]
    assert account.world.clock_offset == HOUR
    assert wrong.status_code == 400
    assert wrong.json()["unknown"] == ["fautls"]
