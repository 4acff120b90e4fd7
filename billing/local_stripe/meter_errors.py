"""What Stripe finds wrong with a meter event after its 200, told by a thin event."""

from __future__ import annotations

from datetime import UTC, datetime

from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.world import Parameters, Resource, World, new_id

_REPORT = "v1.billing.meter.error_report_triggered"
_NO_METER = "v1.billing.meter.no_meter_found"


def report_error(world: World, *, meter: Resource | None, code: str, identifier: str) -> None:
    """Tell that an event was not counted; `identifier` is the request's idempotency key."""
    moment = datetime.fromtimestamp(world.now(), tz=UTC).isoformat()
    event = {
        "id": new_id("evt"),
        "object": "v2.core.event",
        "type": _REPORT if meter else _NO_METER,
        "created": moment,
        "livemode": False,
        "context": None,
        "related_object": meter
        and {
            "id": meter["id"],
            "type": "billing.meter",
            "url": f"/v1/billing/meters/{meter['id']}",
        },
        "data": {
            "developer_message_summary": f"There is 1 invalid event: {code}.",
            "validation_start": moment,
            "validation_end": moment,
            "reason": {
                "error_count": 1,
                "error_types": [
                    {
                        "code": code,
                        "error_count": 1,
                        "sample_errors": [
                            {"error_message": code, "request": {"identifier": identifier}}
                        ],
                    }
                ],
            },
        },
    }
    world.all("v2.core.event")[str(event["id"])] = event
    world.is_changed = True
    world.on_event(event)


def _retrieve(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get("v2.core.event", id)


ENDPOINTS = (Endpoint("GET", "/v2/core/events/{id}", "EventRetrieveParams", _retrieve),)
