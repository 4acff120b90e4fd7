"""Events of Stripe's: whatever their order and number, the store ends where Stripe has it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from django.forms.models import model_to_dict

from billing.models.stripe_event import StripeEvent
from billing.models.subscription import Subscription
from billing.services.apply_stripe_event import apply_stripe_event
from billing.services.receive_stripe_event import store_stripe_event
from billing.services.resync_stripe import resync_stripe
from saas.lib.errors import BillingUnavailable
from tenants.models.tenant import Entitlement

# Of a whole life each; the benchmark takes 500.
ORDERS = 15
DAY = 86_400


def kept(customer: Any) -> dict[str, Any]:
    """Return what a store's subscription and entitlement say."""
    entitlement = model_to_dict(Entitlement.objects.get(pk=customer.tenant_id))
    subscription = model_to_dict(customer.row)
    return {**entitlement, **subscription, "control_seq": 0}


def store(event: dict[str, Any]) -> None:
    store_stripe_event(identifier=event["id"], kind=event["type"], body=json.dumps(event))


def live(customer: Any) -> list[dict[str, Any]]:
    """Lead a life of twelve events and more, to an unpaid end."""
    stripe = customer.stripe
    change = stripe.client.v1.customers.update
    cards = [{"default_payment_method": card} for card in ("pm_card_chargeCustomerFail", "x")]
    subscription = customer.row.stripe_subscription_id
    for is_wanted in (True, False):
        stripe.client.v1.subscriptions.update(subscription, {"cancel_at_period_end": is_wanted})
    change(customer.id, {"invoice_settings": cards[0]})
    ends = customer.row.current_period_end.timestamp()
    stripe.move_clock(ends - stripe.world.now() + 3_700)
    stripe.move_clock(3 * DAY)
    change(customer.id, {"invoice_settings": cards[1]})
    stripe.move_clock(5 * DAY)
    change(customer.id, {"invoice_settings": cards[0]})
    stripe.move_clock(30 * DAY)
    return list(stripe.world.all("event").values())


@pytest.fixture
def remembered(monkeypatch: Any) -> None:
    """Ask Stripe once for each thing: it stands still, and 10,000 requests would take a minute."""
    from billing.stripe_gateway import StripeGateway

    answers: dict[Any, Any] = {}
    for name in ("subscriptions", "invoices"):
        ask = getattr(StripeGateway, name)

        def once(self: Any, customer: str, ask: Any = ask, **fields: Any) -> Any:
            key = (ask, customer, *fields.items())
            if key not in answers:
                answers[key] = ask(self, customer, **fields)
            return answers[key]

        monkeypatch.setattr(StripeGateway, name, once)


def test_a_life_ends_in_one_state_in_any_order_with_duplicates(
    acorn_customer: Any, remembered: None
) -> None:
    """I11."""
    live(acorn_customer)
    kinds = ("customer.subscription.", "invoice.", "checkout.")
    found = acorn_customer.stripe.world.all("event").values()
    events = [event for event in found if event["type"].startswith(kinds)][-12:]
    chance = random.Random(7)
    before = Subscription.objects.get(pk=acorn_customer.tenant_id)
    ends = set()
    for number in range(ORDERS):
        before.save()
        for event in chance.sample(events, k=12) + chance.choices(events, k=3):
            identifier = f"{event['id']}-{number}"
            StripeEvent.objects.get_or_create(
                id=identifier, defaults={"type": event["type"], "body": json.dumps(event)}
            )
            if chance.random() < 0.2:
                # As when a crash came between the effect and its note.
                StripeEvent.objects.filter(pk=identifier).update(processed_at=None)
            apply_stripe_event(event_id=identifier)
        ends.add(json.dumps(kept(acorn_customer), default=str, sort_keys=True))

    assert len(ends) == 1
    assert acorn_customer.row.state == "past_due"


def test_events_that_are_met_on_the_way_do_not_change_the_end(acorn_customer: Any) -> None:
    """I11: Stripe goes on while old events still arrive."""
    arrived: list[dict[str, Any]] = []
    states = []
    stripe = acorn_customer.stripe
    for is_wanted in (True, False, True):
        stripe.client.v1.subscriptions.update(
            acorn_customer.row.stripe_subscription_id, {"cancel_at_period_end": is_wanted}
        )
        arrived = [*stripe.world.all("event").values()]
        store(arrived[-1])
        # The oldest of the subscription's comes again under another id, as a copy may.
        apply_stripe_event(event_id=arrived[-1]["id"])
        states.append(acorn_customer.row.cancel_at_period_end)
    first = next(event for event in arrived if event["type"] == "customer.subscription.created")
    store(first)
    apply_stripe_event(event_id=first["id"])

    assert states == [True, False, True]
    assert acorn_customer.row.cancel_at_period_end


def test_an_event_waits_while_stripe_is_away(acorn_customer: Any) -> None:
    (event, *_) = [
        event
        for event in acorn_customer.stripe.world.all("event").values()
        if event["type"] == "customer.subscription.created"
    ]
    store(event)
    acorn_customer.stripe.post_switches(faults=["503"] * 3)

    with pytest.raises(BillingUnavailable):
        apply_stripe_event(event_id=event["id"])
    assert StripeEvent.objects.get().processed_at is None
    apply_stripe_event(event_id=event["id"])
    assert StripeEvent.objects.get().processed_at is not None


def test_the_nightly_look_brings_what_no_webhook_brought(acorn_customer: Any) -> None:
    Subscription.objects.filter(pk=acorn_customer.tenant_id).update(state="canceled")
    known = next(iter(acorn_customer.stripe.world.all("event").values()))
    store(known)

    missed = resync_stripe()

    assert missed == len(acorn_customer.stripe.world.all("event")) - 1
    assert acorn_customer.row.state == "active"
    assert resync_stripe() == 0


def test_an_event_about_nobody_we_know_is_processed(
    acorn_customer: Any,
) -> None:
    for kind, subject in (
        ("customer.subscription.updated", {"customer": "cus_of_nobody"}),
        ("invoice.paid", {}),
        ("treasury.new", {}),
    ):
        store({"id": f"evt_{kind}", "type": kind, "data": {"object": subject}})
        apply_stripe_event(event_id=f"evt_{kind}")

    assert not StripeEvent.objects.filter(processed_at=None).exists()
