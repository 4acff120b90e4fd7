"""A local Stripe in a thread of the tests, and the real `stripe` client that talks to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import stripe

from billing.local_stripe.events import HOOK
from billing.local_stripe.running import listen, make_server
from billing.local_stripe.server import LocalStripe
from billing.local_stripe.world import World
from tests.chaos.processes import wait_for

TIERS = [
    {"up_to": 100, "unit_amount_decimal": "0"},
    {"up_to": "inf", "unit_amount_decimal": "0.5"},
]


@dataclass
class Account:
    """A Stripe account of one test: its inside, its address and a client."""

    world: World
    client: Any

    @property
    def address(self) -> str:
        return self.world.address

    def move_clock(self, seconds: float) -> None:
        """Move the account's clock in its own thread, with all that this brings about."""
        self._post(f"{self.address}/_local/switches", json={"advance": seconds})

    def press(self, url: str, button: str) -> httpx.Response:
        """Press a button on a page."""
        return self._post(url, data={"button": button})

    @staticmethod
    def _post(url: str, **sent: Any) -> httpx.Response:
        with httpx.Client(trust_env=False) as browser:
            return browser.post(url, **sent)

    def make_meter(self, **fields: Any) -> Any:
        return self.client.v1.billing.meters.create(
            {
                "display_name": "Calls",
                "event_name": "calls",
                "default_aggregation": {"formula": "sum"},
                "event_time_window": "hour",
                **fields,
            }
        )

    def make_prices(self, meter: str) -> tuple[str, str]:
        """Make a product with a flat price of 49.00 and a metered one of 0.5 cents beyond 100."""
        product = self.client.v1.products.create({"name": "Starter"}).id
        common = {"product": product, "currency": "eur"}
        flat = self.client.v1.prices.create(
            {**common, "unit_amount": 4_900, "recurring": {"interval": "month"}}
        )
        metered = self.client.v1.prices.create(
            {
                **common,
                "billing_scheme": "tiered",
                "tiers_mode": "graduated",
                "tiers": TIERS,
                "recurring": {"interval": "month", "usage_type": "metered", "meter": meter},
            }
        )
        return flat.id, metered.id

    def make_customer(self, *, card: str = "pm_card_visa", **fields: Any) -> str:
        settings = {"default_payment_method": card}
        return str(self.client.v1.customers.create({"invoice_settings": settings, **fields}).id)

    def report(self, customer: str, value: int | str, **fields: Any) -> Any:
        payload = {"stripe_customer_id": customer, "value": str(value)}
        return self.client.v1.billing.meter_events.create(
            {"event_name": "calls", "payload": payload, **fields}
        )

    def post_switches(self, **switches: Any) -> None:
        for name, value in switches.items():
            setattr(self.world.switches, name, value)


@contextmanager
def running_stripe() -> Iterator[tuple[LocalStripe, str]]:
    """Serve a local Stripe on a free port."""
    listener = listen(0)
    application = LocalStripe(World())
    server = make_server(application)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    wait_for("the local Stripe", lambda: server.started)
    try:
        yield application, f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=15)
        listener.close()


@contextmanager
def new_account(application: LocalStripe, address: str) -> Iterator[Account]:
    """Have the server be a new account, whose webhooks hurry."""
    world = World(address=address)
    world.switches.webhook_delay_seconds = world.switches.webhook_retry_seconds = 0.02
    application.begin(world)
    session: Any = stripe.RequestsClient(timeout=10)
    addresses: Any = {"api": address, "meter_events": address}
    yield Account(
        world,
        stripe.StripeClient("sk_test_123", base_addresses=addresses, http_client=session),
    )
    session.close()
    # What is still under way to its webhooks ends.
    world.all(HOOK).clear()
