"""The local Stripe's HTTP: authentication, faults, idempotency, endpoints and pages."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from billing.local_stripe import (
    catalogue,
    checkout,
    clocks,
    credits,
    customers,
    events,
    invoices,
    meter_errors,
    meters,
    subscriptions,
)
from billing.local_stripe.cycle import catch_up
from billing.local_stripe.deliveries import Deliveries
from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.pages import answer_page
from billing.local_stripe.parameters import checked, parse_form
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.switches import FAULTS
from billing.local_stripe.world import API_VERSION, Resource, World, new_id

ENDPOINTS: tuple[Endpoint, ...] = (
    *customers.ENDPOINTS,
    *catalogue.ENDPOINTS,
    *meters.ENDPOINTS,
    *meter_errors.ENDPOINTS,
    *subscriptions.ENDPOINTS,
    *invoices.ENDPOINTS,
    *credits.ENDPOINTS,
    *checkout.ENDPOINTS,
    *events.ENDPOINTS,
    *clocks.ENDPOINTS,
)
_METER_EVENTS = "/v1/billing/meter_events"
_PAGES = ("/checkout/", "/portal/", "/invoice/")
_REPLAY_SECONDS = 86_400
_TICK_SECONDS = 1.0


class LocalStripe:
    """The ASGI application: one Stripe account, kept in a file if there is one."""

    def __init__(self, world: World, *, state: Path | None = None) -> None:
        self._state = state
        self.begin(world)
        # By event name and customer.
        self.busy_meters: set[tuple[str, str]] = set()

    def begin(self, world: World) -> None:
        """Be another account from now on."""
        self.world = world
        self._deliveries = Deliveries(world)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one connection (ASGI)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = await _body(receive)
        path = scope["path"]
        if path == "/healthz":
            await _send(send, 200, {"status": "ok"})
        elif path == "/_local/switches":
            await self._turn_switches(send, body)
        elif path == "/" or path.startswith(_PAGES):
            await self._show_page(scope, send, body)
        else:
            await self._answer_api(scope, receive, send, body)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._deliveries.resume()
        ticking = asyncio.get_running_loop().create_task(self._tick())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ticking.cancel()
        self._deliveries.stop()
        self._save()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        while True:
            catch_up(self.world)
            self._save()
            await asyncio.sleep(_TICK_SECONDS)

    def _save(self) -> None:
        if self._state and self.world.is_changed:
            self.world.save(self._state)

    async def _turn_switches(self, send: Any, body: bytes) -> None:
        """Set switches from JSON; `advance` moves the clock, whose account this is alone."""
        wanted = json.loads(body or b"{}")
        self.world.clock_offset += wanted.pop("advance", 0)
        unknown = set(wanted) - set(vars(self.world.switches))
        bad_faults = set(wanted.get("faults", [])) - set(FAULTS)
        if unknown or bad_faults:
            problem = {"unknown": sorted(unknown | bad_faults), "faults": FAULTS}
            await _send(send, 400, problem)
            return
        for name, value in wanted.items():
            setattr(self.world.switches, name, value)
        catch_up(self.world)
        await _send(send, 200, {"now": self.world.now(), **vars(self.world.switches)})

    async def _show_page(self, scope: Any, send: Any, body: bytes) -> None:
        form = dict(parse_qsl(body.decode()))
        try:
            html, location = answer_page(self.world, scope["path"], form)
        except StripeProblem as problem:
            await _send(send, problem.status, problem.body)
            return
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        if location:
            headers.append((b"location", location.encode()))
        await _send_raw(send, 303 if location else 200, html.encode(), headers)

    async def _answer_api(self, scope: Any, receive: Any, send: Any, body: bytes) -> None:
        fault = self.world.switches.take_fault(scope["path"])
        if fault == "slow":
            await asyncio.sleep(self.world.switches.slow_seconds)
        if fault == "drop_before":
            await _drop(scope, receive)
            return
        if fault in ("500", "503", "429"):
            await _send(send, int(fault), {"error": _FAULTS[fault]})
            return
        status, answer, headers = await self._respond(scope, body)
        if fault == "drop_after":
            await _drop(scope, receive)
            return
        await _send(send, status, answer, headers)

    async def _respond(self, scope: Any, body: bytes) -> tuple[int, Resource, list[Any]]:
        headers = [
            (b"request-id", new_id("req").encode()),
            (b"stripe-version", API_VERSION.encode()),
        ]
        try:
            answer = await self._call(scope, body)
        except StripeProblem as problem:
            if problem.should_retry is not None:
                headers.append((b"stripe-should-retry", str(problem.should_retry).lower().encode()))
            return problem.status, problem.body, headers
        return 200, answer, headers

    async def _call(self, scope: Any, body: bytes) -> Resource:
        sent_headers = dict(scope["headers"])
        _authenticate(sent_headers)
        endpoint, found = _route(scope["method"], scope["path"])
        text = scope["query_string"].decode() if scope["method"] == "GET" else body.decode()
        key = sent_headers.get(b"idempotency-key", b"").decode() if body or not text else ""
        if scope["method"] != "POST" or not key:
            return await self._handle(endpoint, found, text)
        digest = hashlib.sha256(f"{scope['path']}?{text}".encode()).hexdigest()
        if (kept := self._replay(key, digest)) is not None:
            return kept
        answer = await self._handle(endpoint, found, text)
        self.world.replays[key] = {
            "digest": digest,
            "at": self.world.now(),
            "answer": json.loads(json.dumps(answer)),
        }
        return answer

    def _replay(self, key: str, digest: str) -> Resource | None:
        kept = self.world.replays.get(key)
        if kept is None or self.world.now() - kept["at"] >= _REPLAY_SECONDS:
            return None
        if kept["digest"] != digest:
            raise StripeProblem(
                f"Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}'.",
                kind="idempotency_error",
            )
        return dict(kept["answer"])

    async def _handle(self, endpoint: Endpoint, found: dict[str, str], text: str) -> Resource:
        sent = checked(endpoint.parameters, parse_form(text))
        if endpoint.path == _METER_EVENTS:
            return await self._take_meter_event(endpoint, sent)
        catch_up(self.world)
        return endpoint.answer(self.world, sent, **found)

    async def _take_meter_event(self, endpoint: Endpoint, sent: Resource) -> Resource:
        """Take one event at a time of a customer and meter, and refuse another meanwhile."""
        busy = (sent["event_name"], sent["payload"].get("stripe_customer_id", ""))
        if busy in self.busy_meters:
            raise StripeProblem(
                "This customer's meter takes one call at a time.",
                status=429,
                kind="invalid_request_error",
                code="lock_timeout",
            )
        self.busy_meters.add(busy)
        try:
            await asyncio.sleep(self.world.switches.meter_event_seconds)
            return endpoint.answer(self.world, sent)
        finally:
            self.busy_meters.discard(busy)


_FAULTS = {
    "500": {"type": "api_error", "message": "An unknown error occurred."},
    "503": {"type": "api_error", "message": "Stripe is unavailable."},
    "429": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."},
}


def _authenticate(headers: dict[bytes, bytes]) -> None:
    scheme, _, key = headers.get(b"authorization", b"").decode().partition(" ")
    if scheme != "Bearer" or not key.startswith("sk_test_"):
        raise StripeProblem(
            "Invalid API Key provided; a local one begins with sk_test_.", status=401
        )


def _route(method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    parts = path.split("/")
    # A fixed path before one with an id: create_preview is no invoice.
    for endpoint in sorted(ENDPOINTS, key=lambda each: each.path.count("{")):
        pattern = endpoint.path.split("/")
        if endpoint.method != method or len(pattern) != len(parts):
            continue
        if all(want in (part, "{id}") for want, part in zip(pattern, parts, strict=True)):
            ids = [p for want, p in zip(pattern, parts, strict=True) if want == "{id}"]
            return endpoint, {"id": ids[0]} if ids else {}
    raise StripeProblem(f"Unrecognized request URL ({method}: {path}).", status=404)


async def _body(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _drop(scope: Any, receive: Any) -> None:
    """Close the connection without an answer."""
    scope["extensions"]["transport"]["connection"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Any, status: int, body: Resource, headers: list[Any] | None = None) -> None:
    kind = (b"content-type", b"application/json")
    await _send_raw(send, status, json.dumps(body).encode(), [kind, *(headers or [])])


async def _send_raw(send: Any, status: int, body: bytes, headers: list[Any]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})
