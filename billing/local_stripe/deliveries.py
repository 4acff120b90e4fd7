"""Sends events to their webhooks: signed, late, twice, out of order, until each gets its 2xx."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
import urllib.error
import urllib.request
from typing import Any

from billing.local_stripe.events import HOOK
from billing.local_stripe.world import Resource, World

# Stripe tries for three days in live mode.
GIVEN_UP_SECONDS = 3 * 86_400
_LONGEST_DELAY_SECONDS = 60.0
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Deliveries:
    """The webhooks that are under way, on one event loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: set[asyncio.Task[None]] = set()
        world.on_event = self.send

    def send(self, event: Resource) -> None:
        """Have an event delivered to whoever asked for its type."""
        for hook in list(self._world.all(HOOK).values()):
            if not {"*", event["type"]} & set(hook["enabled_events"]):
                continue
            event["pending_webhooks"] = 1
            for _ in range(self._world.switches.webhook_copies):
                task = asyncio.get_running_loop().create_task(self._deliver(hook, event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def resume(self) -> None:
        """Send again what nobody had confirmed when the process ended."""
        for kind in ("event", "v2.core.event"):
            for event in self._world.all(kind).values():
                if event.get("pending_webhooks"):
                    self.send(event)

    def stop(self) -> None:
        """Let go of what is under way; it stays on record as not delivered."""
        for task in self._tasks:
            task.cancel()

    async def _deliver(self, hook: Resource, event: Resource) -> None:
        switches = self._world.switches
        began, delay = time.monotonic(), switches.webhook_retry_seconds
        await asyncio.sleep(random.uniform(0, switches.webhook_delay_seconds))  # noqa: S311
        while time.monotonic() - began < GIVEN_UP_SECONDS and hook["id"] in self._world.all(HOOK):
            body = json.dumps({k: v for k, v in event.items() if k != "pending_webhooks"})
            if 200 <= await asyncio.to_thread(_post, hook["url"], body, hook["secret"]) < 300:
                event["pending_webhooks"] = 0
                self._world.is_changed = True
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY_SECONDS)


def signature_of(body: str, *, secret: str, at: int) -> str:
    """Return the `Stripe-Signature` header of a webhook's body."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _post(url: str, body: str, secret: str) -> int:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature_of(body, secret=secret, at=int(time.time())),
        "User-Agent": "Stripe/1.0 (local)",
    }
    request: Any = urllib.request.Request(url, data=body.encode(), headers=headers)  # noqa: S310
    try:
        with _opener.open(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
