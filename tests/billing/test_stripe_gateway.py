"""Each call of the one door is answered by the local Stripe, and goes wrong in our own words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.local_stripe.world import API_VERSION
from billing.stripe_connection import StripeRefusedError
from billing.stripe_gateway import StripeGateway
from billing.stripe_invoices import StripeInvoices
from saas.lib.errors import BillingUnavailable
from tests.billing.stripe_outgoing import check_request
from tests.billing.stripe_server import Account

NOW = datetime.now(tz=UTC)


class Shop:
    """A gateway, and what a customer of it has."""

    def __init__(self, account: Account) -> None:
        self.stripe = StripeGateway(key="sk_test_1", address=account.address, backoff_seconds=0.001)
        self.meter = self.stripe.ensure_meter()
        self.product = self.stripe.ensure_product(code="starter", name="Starter")
        self.flat = self.price("flat", unit_amount=4_900, recurring={"interval": "month"})
        metered = {"interval": "month", "usage_type": "metered", "meter": self.meter}
        tiers = [{"up_to": "inf", "unit_amount_decimal": "0.05"}]
        self.metered = self.price(
            "calls",
            billing_scheme="tiered",
            tiers_mode="graduated",
            tiers=tiers,
            recurring=metered,
        )
        self.customer = self.stripe.create_customer(tenant="t-1", name="Acorn")
        account.press(self.checkout(), "pay")
        (self.subscription,) = self.stripe.subscriptions(self.customer)
        self.invoice = self.stripe.invoices(self.customer)[0].id

    def price(self, key: str, **fields: Any) -> str:
        return self.stripe.ensure_price(
            lookup_key=key, plan="starter", product=self.product, currency="eur", **fields
        )

    def checkout(self) -> str:
        return self.stripe.open_checkout(
            customer=self.customer,
            flat_price=self.flat,
            metered_price=self.metered,
            trial_days=0,
            success_url="http://portal.example/",
            cancel_url="http://portal.example/",
        )

    def send(self, identifier: str = "rec.1", units: int = 5) -> None:
        self.stripe.send_usage(
            customer=self.customer, units=units, at=datetime.now(tz=UTC), identifier=identifier
        )

    @property
    def prices(self) -> dict[str, str]:
        return {"flat_price": self.flat, "metered_price": self.metered}


def hours(shop: Shop) -> dict[datetime, int]:
    end = NOW.replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    return shop.stripe.usage_by_hour(
        meter=shop.meter, customer=shop.customer, start=end - timedelta(days=1), end=end
    )


def item(shop: Shop) -> None:
    shop.stripe.add_invoice_item(
        customer=shop.customer,
        amount_minor=7,
        currency="EUR",
        description="late",
        hour=NOW.isoformat(),
        key="item",
    )


def is_metered(shop: Shop) -> bool:
    vars(shop.stripe).pop("_metered", None)
    return shop.stripe.is_metered(shop.flat) or not shop.stripe.is_metered(shop.metered)


def credit(shop: Shop) -> str:
    return shop.stripe.grant_credit(
        customer=shop.customer, amount_minor=7, currency="EUR", name="ours", key="credit"
    )


CALLS: dict[str, Callable[[Shop], Any]] = {
    "ensure_meter": lambda shop: shop.stripe.ensure_meter(),
    "ensure_product": lambda shop: shop.stripe.ensure_product(code="starter", name="Starter"),
    "ensure_price": lambda shop: shop.price("flat"),
    "create_customer": lambda shop: shop.stripe.create_customer(tenant="t-2", name="Birch"),
    "open_checkout": Shop.checkout,
    "open_portal": lambda shop: shop.stripe.open_portal(
        customer=shop.customer, return_url="http://portal.example/"
    ),
    "subscriptions": lambda shop: shop.stripe.subscriptions(shop.customer),
    "change_prices": lambda shop: shop.stripe.change_prices(shop.subscription, **shop.prices),
    "schedule_prices": lambda shop: shop.stripe.schedule_prices(shop.subscription, **shop.prices),
    "set_cancellation": lambda shop: shop.stripe.set_cancellation(
        shop.subscription.id, is_wanted=True
    ),
    "send_usage": Shop.send,
    "usage_by_hour": hours,
    "add_invoice_item": item,
    "grant_credit": credit,
    "invoices": lambda shop: shop.stripe.invoices(shop.customer),
    "invoice": lambda shop: shop.stripe.invoice(shop.invoice),
    "is_metered": is_metered,
    "preview_invoice": lambda shop: shop.stripe.preview_invoice(shop.subscription.id),
    "events_since": lambda shop: list(shop.stripe.events_since(NOW - timedelta(days=1))),
}


@pytest.fixture
def shop(account: Account, checked_requests: None, monkeypatch: Any) -> Shop:
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 0.001)
    return Shop(account)


def test_the_local_stripe_has_every_endpoint_that_we_use(shop: Shop, account: Account) -> None:
    for call in CALLS.values():
        call(shop)
    account.make_meter(event_name="other")
    account.report("cus_nobody", 1)
    shop.stripe.send_usage(customer="cus_nobody", units=1, at=datetime.now(tz=UTC), identifier="x")
    (*_, event) = account.world.all("v2.core.event")
    assert shop.stripe.thin_event(event)["object"] == "v2.core.event"

    door = {**vars(StripeInvoices), **vars(StripeGateway)}
    public = {name for name in door if not name.startswith("_")}
    assert public == {*CALLS, "thin_event"}


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"send_usage", "events_since"}))
def test_a_429_is_waited_out_and_a_stripe_that_is_away_is_said_to_be(
    shop: Shop, account: Account, name: str
) -> None:
    account.post_switches(faults=["429", "429", "500", "drop_before"])
    CALLS[name](shop)
    assert account.world.switches.faults == []

    account.post_switches(faults=["503"] * 3)
    with pytest.raises(BillingUnavailable):
        CALLS[name](shop)


@pytest.mark.parametrize("fault", ["429", "500", "drop_after"])
def test_usage_is_tried_once_since_the_outbox_tries_again(
    shop: Shop, account: Account, fault: Any
) -> None:
    account.post_switches(faults=[fault, "500"])

    with pytest.raises(BillingUnavailable):
        shop.send()
    assert account.world.switches.faults == ["500"]


def test_an_identifier_that_is_taken_is_known_as_such(shop: Shop, account: Account) -> None:
    shop.send()
    account.world.replays.clear()

    with pytest.raises(StripeRefusedError) as error:
        shop.send()
    assert error.value.is_duplicate_event
    with pytest.raises(StripeRefusedError) as other:
        shop.stripe.preview_invoice("sub_of_nobody")
    assert not other.value.is_duplicate_event


def test_a_page_of_a_proxy_is_no_answer_of_stripes(shop: Shop, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "billing.local_stripe.server.LocalStripe._call", lambda *_: _coroutine({"hello": "world"})
    )

    with pytest.raises(BillingUnavailable):
        shop.stripe.create_customer(tenant="t-3", name="Cedar")


async def _coroutine(value: Any) -> Any:
    return value


def test_telemetry_is_off(shop: Shop, account: Account, monkeypatch: Any) -> None:
    from billing.local_stripe.server import LocalStripe

    seen: list[bytes] = []
    answer = LocalStripe._answer_api

    async def noting(self: Any, scope: Any, *rest: Any) -> None:
        seen.extend(name for name, _ in scope["headers"])
        await answer(self, scope, *rest)

    monkeypatch.setattr(LocalStripe, "_answer_api", noting)
    for _ in range(2):
        shop.stripe.invoices(shop.customer)

    assert b"authorization" in seen
    assert b"x-stripe-client-telemetry" not in seen


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("/v1/billing/meter_events", "event_name=a&payload[value]=1&idenitfier=b", "idenitfier"),
        ("/v1/billing/meter_events", "event_name=a", "payload"),
        ("/v1/invoiceitems", "customer=cus_1&amount=many", "integer"),
        (
            "/v1/billing/credit_grants",
            "category=gift&amount[type]=monetary",
            "applicability_config",
        ),
        ("/v1/usage_records", "quantity=1", "no POST"),
    ],
)
def test_what_stripes_documents_do_not_have_never_leaves(
    path: str, body: str, complaint: str
) -> None:
    headers = {"Idempotency-Key": "1", "Stripe-Version": API_VERSION}
    with pytest.raises(AssertionError, match=complaint):
        check_request("post", f"https://api.stripe.com{path}", headers, body)


def test_no_deed_leaves_without_a_key() -> None:
    with pytest.raises(AssertionError, match="Idempotency-Key"):
        check_request(
            "post",
            "https://api.stripe.com/v1/customers",
            {"Stripe-Version": API_VERSION},
            "name=Acorn",
        )


def test_our_own_mistake_is_found_before_it_is_sent(shop: Shop, account: Account) -> None:
    account.post_switches(faults=["500"])
    with pytest.raises(AssertionError, match="at most 5000 characters"):
        shop.stripe.create_customer(tenant="t-3", name="x" * 5_001)
    assert account.world.switches.faults == ["500"]
