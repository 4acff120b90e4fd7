"""Meters, their events and summaries, with Stripe's windows, dedupe and one call at a time."""

from __future__ import annotations

from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.meter_errors import report_error
from billing.local_stripe.problems import StripeProblem, no_such
from billing.local_stripe.world import Parameters, Resource, World, matching, new_id, page

DAY, HOUR = 86_400, 3_600
PAST_SECONDS, FUTURE_SECONDS = 35 * DAY, 300
# "Within a rolling period of at least 24 hours."
UNIQUE_SECONDS = DAY
# The API's error code is value_too_many_digits; 15 is the longest a payload's value may be.
MOST_DIGITS = 15


def _create(world: World, sent: Parameters) -> Resource:
    formula = sent["default_aggregation"]["formula"]
    active = matching(
        world.all("billing.meter").values(),
        {"event_name": sent["event_name"], "status": "active"},
        "event_name",
        "status",
    )
    if active:
        raise StripeProblem(
            f"An active meter already uses the event name '{sent['event_name']}'.",
            param="event_name",
        )
    mapping = {"event_payload_key": "stripe_customer_id", "type": "by_id"}
    return world.add(
        "billing.meter",
        "mtr",
        customer_mapping=sent.get("customer_mapping", mapping),
        default_aggregation={"formula": formula},
        display_name=sent["display_name"],
        event_name=sent["event_name"],
        event_time_window=sent.get("event_time_window"),
        status="active",
        value_settings=sent.get("value_settings", {"event_payload_key": "value"}),
    )


def _retrieve(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get("billing.meter", id)


def _list(world: World, sent: Parameters) -> Resource:
    found = matching(world.all("billing.meter").values(), sent, "status")
    return page(found, sent, url="/v1/billing/meters")


def _deactivate(world: World, sent: Parameters, *, id: str) -> Resource:
    return _set_status(world, id, "inactive")


def _reactivate(world: World, sent: Parameters, *, id: str) -> Resource:
    return _set_status(world, id, "active")


def _set_status(world: World, id: str, status: str) -> Resource:
    meter = world.get("billing.meter", id)
    meter["status"] = status
    world.is_changed = True
    return meter


def _take_event(world: World, sent: Parameters) -> Resource:
    identifier = sent.get("identifier") or new_id("mevt")
    customer = sent["payload"].get("stripe_customer_id")
    now = world.now(customer)
    at = sent.get("timestamp", now)
    if at < now - PAST_SECONDS:
        raise StripeProblem(
            "The timestamp must be within the past 35 calendar days.",
            code="timestamp_too_far_in_past",
            param="timestamp",
        )
    if at > now + FUTURE_SECONDS:
        raise StripeProblem(
            "The timestamp must not be more than 5 minutes in the future.",
            code="timestamp_in_future",
            param="timestamp",
        )
    value = sent["payload"].get("value", "")
    if not value.removeprefix("-").isdecimal():
        raise StripeProblem(f"The value '{value}' is no whole number.", param="payload[value]")
    seen = world.identifiers.get(identifier)
    if seen is not None and now - seen < UNIQUE_SECONDS:
        raise StripeProblem(
            f"An event already exists with identifier {identifier}.",
            code="duplicate_meter_event",
            param="identifier",
            should_retry=False,
        )
    world.identifiers[identifier] = now
    world.is_changed = True
    _apply(world, sent, identifier=identifier, at=at, received=now)
    return {
        "object": "billing.meter_event",
        "created": now,
        "event_name": sent["event_name"],
        "identifier": identifier,
        "livemode": False,
        "payload": sent["payload"],
        "timestamp": at,
    }


def _apply(world: World, sent: Parameters, *, identifier: str, at: int, received: int) -> None:
    """Count the event, or report what Stripe finds out only after its 200."""
    named = matching(
        world.all("billing.meter").values(), {"event_name": sent["event_name"]}, "event_name"
    )
    payload = sent["payload"]
    customer = payload.get("stripe_customer_id")
    active = [meter for meter in named if meter["status"] == "active"]
    code = None
    if not active:
        code = "archived_meter" if named else "no_meter"
    elif customer is None:
        code = "no_customer_defined"
    elif customer not in world.all("customer"):
        code = "meter_event_customer_not_found"
    elif len(payload["value"].removeprefix("-")) > MOST_DIGITS:
        code = "meter_event_value_too_many_digits"
    if code:
        meter = named[0] if named else None
        report_error(world, meter=meter, code=code, identifier=identifier)
        return
    key = _usage_key(active[0]["id"], str(customer), at)
    world.usage.setdefault(key, []).append(
        {
            "value": int(payload["value"]),
            "timestamp": at,
            "identifier": identifier,
            "received": received,
        }
    )


def _usage_key(meter: str, customer: str, at: int) -> str:
    return f"{meter}|{customer}|{at // HOUR * HOUR}"


def _cancel_event(world: World, sent: Parameters) -> Resource:
    identifier = sent.get("cancel", {}).get("identifier")
    if identifier is None:
        raise StripeProblem("Missing required param: cancel.", code="parameter_missing")
    now = world.now()
    for received in world.usage.values():
        for event in received:
            if event["identifier"] != identifier:
                continue
            if now - event["received"] > DAY:
                raise StripeProblem(
                    "Only events of the last 24 hours can be cancelled.", param="cancel[identifier]"
                )
            received.remove(event)
            world.is_changed = True
            return {
                "object": "billing.meter_event_adjustment",
                "cancel": {"identifier": identifier},
                "event_name": sent["event_name"],
                "livemode": False,
                "status": "pending",
                "type": "cancel",
            }
    raise no_such("meter event", identifier, param="cancel[identifier]")


def used(
    world: World, *, meter: str, customer: str, start: int, end: int, is_stale: bool = False
) -> int:
    """Return the meter's total of a customer between two times."""
    window = world.get("billing.meter", meter)["event_time_window"]
    newest = world.now(customer) - (world.switches.stale_summary_seconds if is_stale else 0)
    total = 0
    for hour in range(start // HOUR * HOUR, end, HOUR):
        values = [
            event["value"]
            for event in world.usage.get(f"{meter}|{customer}|{hour}", [])
            if start <= event["timestamp"] < end and (not is_stale or event["received"] <= newest)
        ]
        # With a window, only the most recently received event of it counts.
        total += (values[-1] if values else 0) if window == "hour" else sum(values)
    return total


def _summarise(world: World, sent: Parameters, *, id: str) -> Resource:
    world.get("billing.meter", id)
    world.get("customer", sent["customer"], param="customer")
    start, end = sent["start_time"], sent["end_time"]
    seconds = {"hour": HOUR, "day": DAY, None: 60}[sent.get("value_grouping_window")]
    for name in ("start_time", "end_time"):
        if sent[name] % seconds:
            raise StripeProblem(f"{name} must be aligned with the window.", param=name)
    step = seconds if "value_grouping_window" in sent else max(end - start, 1)
    rows = []
    for begins in range(start, end, step):
        value = used(
            world,
            meter=id,
            customer=sent["customer"],
            start=begins,
            end=min(begins + step, end),
            is_stale=True,
        )
        if value:
            rows.append(
                {
                    "id": f"mtrusg_{id}_{sent['customer']}_{begins}",
                    "object": "billing.meter_event_summary",
                    "aggregated_value": value,
                    "start_time": begins,
                    "end_time": begins + step,
                    "livemode": False,
                    "meter": id,
                }
            )
    return page(rows, sent, url=f"/v1/billing/meters/{id}/event_summaries")


_METERS = "/v1/billing/meters"
ENDPOINTS = (
    Endpoint("POST", _METERS, "billing.MeterCreateParams", _create),
    Endpoint("GET", _METERS, "billing.MeterListParams", _list),
    Endpoint("GET", f"{_METERS}/{{id}}", "billing.MeterRetrieveParams", _retrieve),
    Endpoint("POST", f"{_METERS}/{{id}}/deactivate", "billing.MeterDeactivateParams", _deactivate),
    Endpoint("POST", f"{_METERS}/{{id}}/reactivate", "billing.MeterReactivateParams", _reactivate),
    Endpoint(
        "GET",
        f"{_METERS}/{{id}}/event_summaries",
        "billing.MeterEventSummaryListParams",
        _summarise,
    ),
    Endpoint("POST", "/v1/billing/meter_events", "billing.MeterEventCreateParams", _take_event),
    Endpoint(
        "POST",
        "/v1/billing/meter_event_adjustments",
        "billing.MeterEventAdjustmentCreateParams",
        _cancel_event,
    ),
)
