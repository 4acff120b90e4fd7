"""Subscriptions: made at once or by Checkout, changed, cancelled, and put on schedules."""

from __future__ import annotations

from datetime import UTC, datetime

from billing.local_stripe.cycle import end_subscription, period_end
from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.invoices import DAY, attempt_payment, finalize, open_draft
from billing.local_stripe.lines import flat_line, pending_lines
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.tiers import share
from billing.local_stripe.world import Parameters, Resource, World, matching, new_id, page

_CHANGEABLE = ("cancel_at_period_end", "default_payment_method", "description")


def create_subscription(world: World, sent: Parameters) -> Resource:
    """Start a subscription and charge its first, mostly partial, month."""
    customer = sent.get("customer")
    if customer is None:
        raise StripeProblem("Missing required param: customer.", code="parameter_missing")
    world.get("customer", customer, param="customer")
    prices = _prices(world, sent.get("items", []))
    now = world.now(customer)
    anchor = _anchor(sent, now)
    trial_end = _trial_end(sent, now)
    ends = trial_end or period_end(now, anchor)
    subscription = world.add(
        "subscription",
        "sub",
        customer=customer,
        currency=prices[0]["currency"],
        status="trialing" if trial_end else "incomplete",
        billing_cycle_anchor_config=anchor,
        cancel_at_period_end=sent.get("cancel_at_period_end", False),
        canceled_at=None,
        ended_at=None,
        metadata=sent.get("metadata", {}),
        schedule=None,
        start_date=now,
        trial_start=now if trial_end else None,
        trial_end=trial_end,
        trial_notice=False,
        items={"object": "list", "data": []},
    )
    subscription["items"]["data"] = [
        {
            "id": new_id("si"),
            "object": "subscription_item",
            "subscription": subscription["id"],
            "price": price,
            "current_period_start": now,
            "current_period_end": ends,
        }
        for price in prices
    ]
    _charge_first(world, subscription, at=now, is_prorated="billing_cycle_anchor_config" in sent)
    world.emit("customer.subscription.created", subscription)
    return subscription


def _charge_first(world: World, subscription: Resource, *, at: int, is_prorated: bool) -> None:
    lines = []
    if not subscription["trial_end"]:
        ends = subscription["items"]["data"][0]["current_period_end"]
        begins = period_end(ends, subscription["billing_cycle_anchor_config"], months=-1)
        whole = ends - begins if is_prorated else ends - at
        lines = [flat_line(world, subscription, start=at, end=ends, part=ends - at, whole=whole)]
    invoice = open_draft(world, subscription, reason="subscription_create", at=at, lines=lines)
    finalize(world, invoice, at=at)
    attempt_payment(world, invoice, at=at)


def _prices(world: World, items: list[Parameters]) -> list[Resource]:
    prices = []
    for number, item in enumerate(items):
        if "price" not in item:
            raise StripeProblem("Missing required param: price.", code="parameter_missing")
        price = world.get("price", item["price"], param=f"items[{number}][price]")
        if price["recurring"]["meter"] and "quantity" in item:
            raise StripeProblem(
                "A quantity is not allowed for a metered price.", param=f"items[{number}][quantity]"
            )
        prices.append(price)
    if not any(price["recurring"]["meter"] is None for price in prices):
        raise StripeProblem("The local Stripe needs a flat price among the items.", param="items")
    if len({price["currency"] for price in prices}) > 1:
        raise StripeProblem("The prices have several currencies.", param="items")
    return prices


def _anchor(sent: Parameters, now: int) -> Resource:
    moment = datetime.fromtimestamp(now, tz=UTC)
    clock = {"hour": moment.hour, "minute": moment.minute, "second": moment.second}
    chosen: Resource = sent.get("billing_cycle_anchor_config", {})
    return {"day_of_month": moment.day} | clock | chosen


def _trial_end(sent: Parameters, now: int) -> int | None:
    days, end = sent.get("trial_period_days"), sent.get("trial_end")
    if days is not None and end is not None:
        raise StripeProblem("Send trial_end or trial_period_days.", param="trial_period_days")
    if isinstance(end, int) and end <= now:
        raise StripeProblem("The trial's end must be in the future.", param="trial_end")
    return now + days * DAY if days else (end if isinstance(end, int) else None)


def _retrieve(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get("subscription", id)


def _list(world: World, sent: Parameters) -> Resource:
    found = matching(world.all("subscription").values(), sent, "customer")
    status = sent.get("status")
    if status is None:
        found = [each for each in found if each["status"] != "canceled"]
    elif status != "all":
        found = [each for each in found if each["status"] == status]
    return page(found, sent, url="/v1/subscriptions")


def _update(world: World, sent: Parameters, *, id: str) -> Resource:
    subscription = world.get("subscription", id)
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise StripeProblem("A canceled subscription can only update its metadata.", param="id")
    before = {name: subscription.get(name) for name in _CHANGEABLE if name in sent}
    subscription["metadata"] |= sent.get("metadata") or {}
    subscription |= {name: sent[name] for name in before}
    if "items" in sent:
        _change_prices(world, subscription, sent)
    if sent.get("trial_end") == "now" and subscription["status"] == "trialing":
        now = world.now(subscription["customer"])
        for item in subscription["items"]["data"]:
            item["current_period_end"] = now
    world.is_changed = True
    world.emit("customer.subscription.updated", subscription, changed=before)
    return subscription


def _change_prices(world: World, subscription: Resource, sent: Parameters) -> None:
    """Move items to other prices at once; the flat one is prorated by the second."""
    items = {item["id"]: item for item in subscription["items"]["data"]}
    now = world.now(subscription["customer"])
    for number, wanted in enumerate(sent["items"]):
        item = items.get(wanted.get("id", ""))
        if item is None:
            raise StripeProblem("No such subscription item", param=f"items[{number}][id]")
        old, new = item["price"], world.get("price", wanted["price"])
        item["price"] = new
        prorates = sent.get("proration_behavior", "create_prorations") != "none"
        if prorates and subscription["status"] != "trialing" and not new["recurring"]["meter"]:
            _prorate(world, subscription, item, old=old, new=new, at=now)
    if sent.get("proration_behavior") == "always_invoice":
        lines = pending_lines(world, subscription, consume=True)
        invoice = open_draft(world, subscription, reason="subscription_update", at=now, lines=lines)
        # Its usage stays with the period, which goes on.
        invoice["period_start"] = now
        finalize(world, invoice, at=now)
        attempt_payment(world, invoice, at=now)


def _prorate(
    world: World, subscription: Resource, item: Resource, *, old: Resource, new: Resource, at: int
) -> None:
    ends = item["current_period_end"]
    whole = ends - period_end(ends, subscription["billing_cycle_anchor_config"], months=-1)
    for price, sign, what in ((old, -1, "Unused"), (new, 1, "Remaining")):
        world.add(
            "invoiceitem",
            "ii",
            customer=subscription["customer"],
            amount=sign * share(price["unit_amount"], ends - at, whole),
            currency=price["currency"],
            description=f"{what} time on {price['nickname'] or price['id']}",
            metadata={},
            invoice=None,
        )


def _cancel(world: World, sent: Parameters, *, id: str) -> Resource:
    subscription = world.get("subscription", id)
    if subscription["status"] == "canceled":
        raise StripeProblem(f"No such subscription: '{id}'", status=404, code="resource_missing")
    now = world.now(subscription["customer"])
    if sent.get("invoice_now"):
        open_draft(world, subscription, reason="subscription_cycle", at=now, lines=[])
    end_subscription(world, subscription, status="canceled", at=now)
    return subscription


def _create_schedule(world: World, sent: Parameters) -> Resource:
    source = sent.get("from_subscription")
    if source is None:
        raise StripeProblem("The local Stripe makes schedules from subscriptions only.")
    subscription = world.get("subscription", source, param="from_subscription")
    if subscription["schedule"]:
        raise StripeProblem("The subscription has a schedule already.", param="from_subscription")
    items = subscription["items"]["data"]
    current = {
        "start_date": items[0]["current_period_start"],
        "end_date": items[0]["current_period_end"],
        "items": [{"price": item["price"]["id"]} for item in items],
    }
    schedule = world.add(
        "subscription_schedule",
        "sub_sched",
        customer=subscription["customer"],
        subscription=source,
        status="active",
        end_behavior="release",
        phases=[current],
    )
    subscription["schedule"] = schedule["id"]
    return schedule


def _update_schedule(world: World, sent: Parameters, *, id: str) -> Resource:
    schedule = world.get("subscription_schedule", id)
    begins = schedule["phases"][0]["start_date"]
    phases = []
    for number, phase in enumerate(sent.get("phases", [])):
        _prices(world, phase["items"])
        phases.append({"start_date": begins} | phase)
        begins = phase.get("end_date")
        if begins is None and number < len(sent["phases"]) - 1:
            raise StripeProblem("Only the last phase may lack its end.", param="phases")
    schedule |= {"phases": phases or schedule["phases"]}
    schedule |= {"end_behavior": sent.get("end_behavior", schedule["end_behavior"])}
    world.is_changed = True
    return schedule


def _release_schedule(world: World, sent: Parameters, *, id: str) -> Resource:
    schedule = world.get("subscription_schedule", id)
    schedule["status"] = "released"
    world.get("subscription", schedule["subscription"])["schedule"] = None
    world.is_changed = True
    return schedule


_ALL, _ONE = "/v1/subscriptions", "/v1/subscriptions/{id}"
_SCHEDULE = "/v1/subscription_schedules"
ENDPOINTS = (
    Endpoint("POST", _ALL, "SubscriptionCreateParams", create_subscription),
    Endpoint("GET", _ALL, "SubscriptionListParams", _list),
    Endpoint("GET", _ONE, "SubscriptionRetrieveParams", _retrieve),
    Endpoint("POST", _ONE, "SubscriptionUpdateParams", _update),
    Endpoint("DELETE", _ONE, "SubscriptionCancelParams", _cancel),
    Endpoint("POST", _SCHEDULE, "SubscriptionScheduleCreateParams", _create_schedule),
    Endpoint("POST", f"{_SCHEDULE}/{{id}}", "SubscriptionScheduleUpdateParams", _update_schedule),
    Endpoint(
        "POST",
        f"{_SCHEDULE}/{{id}}/release",
        "SubscriptionScheduleReleaseParams",
        _release_schedule,
    ),
)
