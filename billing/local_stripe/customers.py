"""Customers, who pay with whatever card was last attached to them."""

from __future__ import annotations

from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.world import Parameters, Resource, World, matching, page

GOOD_CARD, BAD_CARD = "pm_card_visa", "pm_card_chargeCustomerFail"


def _create(world: World, sent: Parameters) -> Resource:
    if clock := sent.get("test_clock"):
        world.get("test_helpers.test_clock", clock, param="test_clock")
    card = sent.get("payment_method")
    customer = world.add(
        "customer",
        "cus",
        name=sent.get("name"),
        email=sent.get("email"),
        metadata=sent.get("metadata", {}),
        test_clock=sent.get("test_clock"),
        invoice_settings={"default_payment_method": card, **sent.get("invoice_settings", {})},
        currency=None,
    )
    world.emit("customer.created", customer)
    return customer


def _retrieve(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get("customer", id)


def _update(world: World, sent: Parameters, *, id: str) -> Resource:
    customer = world.get("customer", id)
    customer["invoice_settings"] |= sent.pop("invoice_settings", {})
    customer["metadata"] |= sent.pop("metadata", {})
    customer |= {name: sent[name] for name in ("name", "email") if name in sent}
    world.is_changed = True
    world.emit("customer.updated", customer)
    return customer


def _list(world: World, sent: Parameters) -> Resource:
    found = matching(world.all("customer").values(), sent, "email", "test_clock")
    return page(found, sent, url="/v1/customers")


def pay_with(world: World, customer: str, card: str) -> None:
    """Have the customer pay with this card from now on."""
    world.get("customer", customer)["invoice_settings"]["default_payment_method"] = card
    world.is_changed = True


def can_pay(world: World, customer: str) -> bool:
    """Say whether a charge of the customer's card succeeds."""
    settings = world.get("customer", customer)["invoice_settings"]
    return settings["default_payment_method"] not in (None, BAD_CARD)


ENDPOINTS = (
    Endpoint("POST", "/v1/customers", "CustomerCreateParams", _create),
    Endpoint("GET", "/v1/customers", "CustomerListParams", _list),
    Endpoint("GET", "/v1/customers/{id}", "CustomerRetrieveParams", _retrieve),
    Endpoint("POST", "/v1/customers/{id}", "CustomerUpdateParams", _update),
)
