"""Test clocks: a customer on one lives at its time, which moves when told to."""

from __future__ import annotations

from billing.local_stripe.cycle import catch_up
from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.world import Parameters, Resource, World

KIND = "test_helpers.test_clock"


def _create(world: World, sent: Parameters) -> Resource:
    clock = world.add(
        KIND, "clock", frozen_time=sent["frozen_time"], status="ready", name=sent.get("name")
    )
    return clock


def _retrieve(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get(KIND, id)


def _advance(world: World, sent: Parameters, *, id: str) -> Resource:
    clock = world.get(KIND, id)
    if sent["frozen_time"] <= clock["frozen_time"]:
        raise StripeProblem("A test clock only moves forwards", param="frozen_time")
    clock["frozen_time"] = sent["frozen_time"]
    catch_up(world)
    return clock


ENDPOINTS = (
    Endpoint("POST", "/v1/test_helpers/test_clocks", "test_helpers.TestClockCreateParams", _create),
    Endpoint(
        "GET",
        "/v1/test_helpers/test_clocks/{id}",
        "test_helpers.TestClockRetrieveParams",
        _retrieve,
    ),
    Endpoint(
        "POST",
        "/v1/test_helpers/test_clocks/{id}/advance",
        "test_helpers.TestClockAdvanceParams",
        _advance,
    ),
)
