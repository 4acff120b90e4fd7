"""Checkout and the billing portal: sessions, and what their pages' buttons do."""

from __future__ import annotations

from billing.local_stripe.customers import BAD_CARD, GOOD_CARD, pay_with
from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.invoices import attempt_payment
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.subscriptions import create_subscription
from billing.local_stripe.world import Parameters, Resource, World, matching

CHECKOUT, PORTAL = "checkout.session", "billing_portal.session"
_PASSED_ON = ("billing_cycle_anchor_config", "metadata", "trial_period_days", "trial_end")


def _create_checkout(world: World, sent: Parameters) -> Resource:
    if sent.get("mode") != "subscription":
        raise StripeProblem("The local Stripe sells subscriptions only.", param="mode")
    for name in ("line_items", "success_url"):
        if name not in sent:
            raise StripeProblem(f"Missing required param: {name}.", code="parameter_missing")
    world.get("customer", sent.get("customer", ""), param="customer")
    for item in sent["line_items"]:
        price = world.get("price", item.get("price", ""), param="line_items[0][price]")
        if not price["recurring"]["meter"] and "quantity" not in item:
            raise StripeProblem("Quantity is required.", param="line_items[0][quantity]")
    session = world.add(
        CHECKOUT,
        "cs_test",
        mode="subscription",
        status="open",
        payment_status="unpaid",
        customer=sent["customer"],
        client_reference_id=sent.get("client_reference_id"),
        line_items=sent["line_items"],
        subscription_data=sent.get("subscription_data", {}),
        success_url=sent["success_url"],
        cancel_url=sent.get("cancel_url"),
        metadata=sent.get("metadata", {}),
        subscription=None,
    )
    session["url"] = f"{world.address}/checkout/{session['id']}"
    return session


def _retrieve_checkout(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get(CHECKOUT, id)


def _create_portal(world: World, sent: Parameters) -> Resource:
    world.get("customer", sent.get("customer", ""), param="customer")
    session = world.add(PORTAL, "bps", customer=sent["customer"], return_url=sent.get("return_url"))
    session["url"] = f"{world.address}/portal/{session['id']}"
    return session


def pay_checkout(world: World, session: Resource) -> None:
    """Do what the page's Pay button does."""
    if session["status"] != "open":
        return
    pay_with(world, session["customer"], GOOD_CARD)
    passed_on = {
        name: value for name, value in session["subscription_data"].items() if name in _PASSED_ON
    }
    # Checkout wants a quantity of the flat price; a subscription takes none of the metered one.
    items = [{"price": item["price"]} for item in session["line_items"]]
    subscription = create_subscription(
        world, {"customer": session["customer"], "items": items, **passed_on}
    )
    session |= {
        "status": "complete",
        "payment_status": "paid",
        "subscription": subscription["id"],
    }
    world.emit("checkout.session.completed", session)


def change_card(world: World, session: Resource, *, is_good: bool) -> None:
    """Attach a card that works, and pay what is open with it, or one that is declined."""
    customer = session["customer"]
    pay_with(world, customer, GOOD_CARD if is_good else BAD_CARD)
    world.emit("customer.updated", world.get("customer", customer))
    wanted = {"customer": customer, "status": "open"}
    for invoice in matching(world.all("invoice").values(), wanted, "customer", "status"):
        if is_good:
            attempt_payment(world, invoice, at=world.now(customer))


def set_cancellation(world: World, subscription: Resource, *, is_wanted: bool) -> None:
    """Have a subscription end with its period, or go on after all."""
    before = {"cancel_at_period_end": subscription["cancel_at_period_end"]}
    subscription["cancel_at_period_end"] = is_wanted
    world.is_changed = True
    world.emit("customer.subscription.updated", subscription, changed=before)


ENDPOINTS = (
    Endpoint("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", _create_checkout),
    Endpoint(
        "GET", "/v1/checkout/sessions/{id}", "checkout.SessionRetrieveParams", _retrieve_checkout
    ),
    Endpoint(
        "POST", "/v1/billing_portal/sessions", "billing_portal.SessionCreateParams", _create_portal
    ),
)
