"""Delivers one life of a subscription in 500 random orders with duplicates: all end alike."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import threading
import time
import urllib.parse
import urllib.request
from functools import cache
from typing import Any

import structlog

from billing.local_stripe.customers import BAD_CARD, GOOD_CARD, pay_with
from billing.local_stripe.running import listen, make_server
from billing.local_stripe.server import LocalStripe
from billing.local_stripe.world import World
from deploy.benchmarks.ingestion_store import make_store

ORDERS, EVENTS, DUPLICATES = 500, 12, 2
DAY = 86_400
_KINDS = ("customer.subscription.", "invoice.", "checkout.")


def main() -> None:
    """Live once at the local Stripe, then deliver what it told in every order."""
    world, address = serve_stripe()
    os.environ["SHELFWISE_LOCAL_STRIPE_URL"] = address
    live, _ = make_store()
    from django.forms.models import model_to_dict

    from billing.models.stripe_event import StripeEvent
    from billing.models.subscription import Subscription
    from billing.services.apply_stripe_event import apply_stripe_event
    from billing.services.mirror_plans import mirror_plans
    from billing.services.start_checkout import start_checkout
    from billing.stripe_gateway import StripeGateway
    from tenants.context import on_platform
    from tenants.models.tenant import Entitlement

    # A line for each event would be most of the run.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    mirror_plans()
    page = {"success_url": f"{address}/", "cancel_url": f"{address}/"}
    url = start_checkout(tenant_id=live.tenant_id, plan_code="starter", **page)
    lead_a_life(world, address, url)
    told = [each for each in world.all("event").values() if each["type"].startswith(_KINDS)]
    events = told[-EVENTS:]
    # Stripe stands still from here on; what it answers is asked for once.
    for name in ("subscriptions", "invoices"):
        setattr(StripeGateway, name, cache(getattr(StripeGateway, name)))
    chance = random.Random(7)  # noqa: S311  # no secret
    ends = set()
    with on_platform():
        before = Subscription.objects.get(pk=live.tenant_id)
        began = time.process_time()
        for number in range(ORDERS):
            before.save()
            for event in chance.sample(events, EVENTS) + chance.choices(events, k=DUPLICATES):
                identifier = f"{event['id']}-{number}-{chance.random()}"
                StripeEvent.objects.create(
                    id=identifier, type=event["type"], body=json.dumps(event)
                )
                apply_stripe_event(event_id=identifier)
            kept = model_to_dict(Entitlement.objects.get(pk=live.tenant_id))
            kept |= model_to_dict(Subscription.objects.get(pk=live.tenant_id))
            ends.add(json.dumps({**kept, "control_seq": 0}, default=str, sort_keys=True))
        seconds = (time.process_time() - began) / ORDERS / (EVENTS + DUPLICATES)
    if len(ends) != 1:
        raise SystemExit(f"{ORDERS} orders of {EVENTS} events ended in {len(ends)} states.")
    print(
        f"{ORDERS} random orders of {EVENTS} events, {DUPLICATES} of them twice: one state"
        f" ({json.loads(ends.pop())['state']}); {seconds * 1e3:.1f} ms CPU an event"
    )


def serve_stripe() -> tuple[World, str]:
    """Run a local Stripe in a thread; it ends with the process."""
    listener = listen(0)
    world = World(address=f"http://127.0.0.1:{listener.getsockname()[1]}")
    server = make_server(LocalStripe(world))
    threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
    ).start()
    while not server.started:
        time.sleep(0.01)
    return world, world.address


def lead_a_life(world: World, address: str, checkout: str) -> None:
    """Subscribe, fail to pay, pay after all, and fail again."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def post(url: str, body: bytes) -> None:
        opener.open(url, data=body).close()

    def wait(seconds: float) -> None:
        post(f"{address}/_local/switches", json.dumps({"advance": seconds}).encode())

    post(checkout, urllib.parse.urlencode({"button": "pay"}).encode())
    (subscription,) = world.all("subscription").values()
    steps: list[tuple[str, Any]] = [(BAD_CARD, 32), (GOOD_CARD, 5), (BAD_CARD, 40), (GOOD_CARD, 9)]
    for card, days in steps:
        pay_with(world, subscription["customer"], card)
        wait(days * DAY)


if __name__ == "__main__":
    main()
