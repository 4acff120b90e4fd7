"""Credit grants: money that metered lines are paid from when an invoice is finalised."""

from __future__ import annotations

from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.world import Parameters, Resource, World, matching, page

KIND = "billing.credit_grant"
DEFAULT_PRIORITY = 50


def apply(world: World, invoice: Resource, *, at: int, is_preview: bool = False) -> list[Resource]:
    """Take what grants have from the invoice's metered lines, by priority, then by age."""
    left = sum(
        line["amount"]
        for line in invoice["lines"]["data"]
        if line["pricing"]
        and world.get("price", line["pricing"]["price_details"]["price"])["recurring"]["meter"]
    )
    applied = []
    for grant in sorted(_usable(world, invoice, at=at), key=lambda each: each["priority"]):
        taken = min(left, grant["available"])
        if taken > 0:
            left -= taken
            applied.append(
                {"amount": taken, "type": "credit_balance_transaction", "grant": grant["id"]}
            )
            if not is_preview:
                grant["available"] -= taken
    return applied


def _usable(world: World, invoice: Resource, *, at: int) -> list[Resource]:
    return [
        grant
        for grant in world.all(KIND).values()
        if grant["customer"] == invoice["customer"]
        and grant["amount"]["monetary"]["currency"] == invoice["currency"]
        and grant["effective_at"] <= at
        and (grant["expires_at"] is None or at < grant["expires_at"])
    ]


def _create(world: World, sent: Parameters) -> Resource:
    customer = sent.get("customer", "")
    world.get("customer", customer, param="customer")
    if sent["amount"].get("monetary", {}).get("value", 0) <= 0:
        raise StripeProblem("The amount must be positive.", param="amount[monetary][value]")
    if not 0 <= sent.get("priority", DEFAULT_PRIORITY) <= 100:
        raise StripeProblem("The priority must be 0 to 100.", param="priority")
    now = world.now(customer)
    grant = world.add(
        KIND,
        "credgr",
        customer=customer,
        amount=sent["amount"],
        applicability_config=sent["applicability_config"],
        category=sent.get("category", "paid"),
        name=sent.get("name"),
        metadata=sent.get("metadata", {}),
        priority=sent.get("priority", DEFAULT_PRIORITY),
        effective_at=sent.get("effective_at", now),
        expires_at=sent.get("expires_at"),
        available=sent["amount"]["monetary"]["value"],
    )
    world.emit("billing.credit_grant.created", grant)
    return grant


def _list(world: World, sent: Parameters) -> Resource:
    found = matching(world.all(KIND).values(), sent, "customer")
    return page(found, sent, url="/v1/billing/credit_grants")


ENDPOINTS = (
    Endpoint("POST", "/v1/billing/credit_grants", "billing.CreditGrantCreateParams", _create),
    Endpoint("GET", "/v1/billing/credit_grants", "billing.CreditGrantListParams", _list),
)
