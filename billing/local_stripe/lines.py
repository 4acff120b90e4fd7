"""The lines of an invoice: metered usage by tier, the flat price, and pending items."""

from __future__ import annotations

from billing.local_stripe.meters import used
from billing.local_stripe.tiers import share, tier_lines
from billing.local_stripe.world import Resource, World, matching, new_id


def metered_lines(world: World, subscription: Resource, *, start: int, end: int) -> list[Resource]:
    """Return a line for each tier that the usage between two times reached."""
    lines: list[Resource] = []
    if subscription["trial_end"] and end <= subscription["trial_end"]:
        return lines
    for item in subscription["items"]["data"]:
        price = world.get("price", item["price"]["id"])
        if not price["recurring"]["meter"]:
            continue
        units = used(
            world,
            meter=price["recurring"]["meter"],
            customer=subscription["customer"],
            start=start,
            end=end,
        )
        lines += [
            _line(
                item,
                price,
                amount=line["amount"],
                quantity=line["quantity"],
                start=start,
                end=end,
                description=f"{line['quantity']} of tier {line['tier']}",
            )
            for line in tier_lines(price["tiers"], units)
        ]
    return lines


def flat_line(
    world: World, subscription: Resource, *, start: int, end: int, part: int, whole: int
) -> Resource:
    """Return the flat price of a period, or of the part of one."""
    for item in subscription["items"]["data"]:
        price = world.get("price", item["price"]["id"])
        if price["recurring"]["meter"] is None:
            return _line(
                item,
                price,
                amount=share(price["unit_amount"], part, whole),
                quantity=1,
                start=start,
                end=end,
                description="1 month" if part == whole else "part of a month",
            )
    raise LookupError(f"{subscription['id']} has no flat price.")


def pending_lines(world: World, subscription: Resource, *, consume: bool) -> list[Resource]:
    """Return the customer's items that wait for an invoice; `consume` takes them."""
    waiting = matching(
        world.all("invoiceitem").values(),
        {"customer": subscription["customer"], "invoice": None},
        "customer",
        "invoice",
    )
    if consume:
        for each in waiting:
            each["invoice"] = subscription["id"]
    return [
        {
            "id": new_id("il"),
            "object": "line_item",
            "amount": each["amount"],
            "currency": each["currency"],
            "description": each["description"],
            "quantity": 1,
            "metadata": each["metadata"],
            "parent": {
                "type": "invoice_item_details",
                "invoice_item_details": {"invoice_item": each["id"]},
            },
            "pricing": None,
        }
        for each in waiting
    ]


def _line(
    item: Resource,
    price: Resource,
    *,
    amount: int,
    quantity: int,
    start: int,
    end: int,
    description: str,
) -> Resource:
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": description,
        "quantity": quantity,
        "metadata": {},
        "period": {"start": start, "end": end},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {"subscription_item": item["id"]},
        },
        "pricing": {"type": "price_details", "price_details": {"price": price["id"]}},
    }
