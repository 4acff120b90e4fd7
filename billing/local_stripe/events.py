"""Events, and the endpoints that their webhooks go to."""

from __future__ import annotations

import secrets

from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.world import Parameters, Resource, World, page

HOOK = "webhook_endpoint"
# The API shows events of the last 30 days.
SHOWN_SECONDS = 30 * 86_400


def _list(world: World, sent: Parameters) -> Resource:
    types = sent.get("types") or ([sent["type"]] if "type" in sent else None)
    created = sent.get("created", {})
    since = created.get("gte", 0) if isinstance(created, dict) else created
    rows = [
        event
        for event in world.all("event").values()
        if (types is None or event["type"] in types)
        and event["created"] >= max(since, _now(world, event) - SHOWN_SECONDS)
    ]
    return page(rows, sent, url="/v1/events")


def _now(world: World, event: Resource) -> int:
    return world.now(event["data"]["object"].get("customer"))


def _retrieve(world: World, sent: Parameters, *, id: str) -> Resource:
    return world.get("event", id)


def add_hook(world: World, *, url: str, types: list[str], secret: str) -> Resource:
    """Have the events of these types sent to a URL, signed with a secret."""
    return world.add(HOOK, "we", url=url, enabled_events=types, secret=secret, status="enabled")


def _create_hook(world: World, sent: Parameters) -> Resource:
    if not sent["url"].startswith(("http://", "https://")):
        raise StripeProblem("Invalid URL", code="url_invalid", param="url")
    secret = f"whsec_{secrets.token_hex(16)}"
    return add_hook(world, url=sent["url"], types=sent["enabled_events"], secret=secret)


def _list_hooks(world: World, sent: Parameters) -> Resource:
    listed = page(world.all(HOOK).values(), sent, url="/v1/webhook_endpoints")
    # A secret is shown once, when it is made.
    shown = [{k: v for k, v in each.items() if k != "secret"} for each in listed["data"]]
    return listed | {"data": shown}


def _delete_hook(world: World, sent: Parameters, *, id: str) -> Resource:
    world.get(HOOK, id)
    del world.all(HOOK)[id]
    world.is_changed = True
    return {"id": id, "object": HOOK, "deleted": True}


ENDPOINTS = (
    Endpoint("GET", "/v1/events", "EventListParams", _list),
    Endpoint("GET", "/v1/events/{id}", "EventRetrieveParams", _retrieve),
    Endpoint("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams", _create_hook),
    Endpoint("GET", "/v1/webhook_endpoints", "WebhookEndpointListParams", _list_hooks),
    Endpoint("DELETE", "/v1/webhook_endpoints/{id}", "WebhookEndpointDeleteParams", _delete_hook),
)
