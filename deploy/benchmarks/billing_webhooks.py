"""Measures POST /v1/stripe/webhook, from the signed bytes to the answer after the commit."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from billing.local_stripe.deliveries import signature_of
from saas.embedded.ports import free_port
from saas.embedded.service import answers

SECRET = "whsec_of_the_benchmark"  # noqa: S105  # of this run alone
REQUESTS = 500


def main() -> None:
    """Post events one after the other, as Stripe does, and print the delays."""
    port = free_port()
    web = subprocess.Popen(
        [sys.executable, "-m", "saas.web", "--ports", str(port)],
        env={**os.environ, "STRIPE_WEBHOOK_SECRET": SECRET},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        is_ready = answers(f"http://127.0.0.1:{port}/healthz")
        while not is_ready(web.pid):
            time.sleep(0.05)
        connection = http.client.HTTPConnection("localhost", port)
        print(f"{REQUESTS} webhooks, one connection           p50       p95       p99")
        show("/healthz", lambda _: ask(connection, "GET", "/healthz"))
        show("POST /v1/stripe/webhook", lambda number: post(connection, number))
    finally:
        web.terminate()
        web.wait()


def post(connection: http.client.HTTPConnection, number: int) -> None:
    """Deliver a new event of about the size of a subscription's."""
    event = {
        "id": f"evt_{time.time_ns()}_{number}",
        "object": "event",
        "type": "customer.subscription.updated",
        "data": {"object": {"customer": "cus_of_nobody", "text": "x" * 4_000}},
    }
    body = json.dumps(event)
    signature = signature_of(body, secret=SECRET, at=int(time.time()))
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
    ask(connection, "POST", "/v1/stripe/webhook", body=body, headers=headers)


def ask(connection: http.client.HTTPConnection, method: str, path: str, **sent: object) -> None:
    """Make a request and read its answer."""
    connection.request(method, path, **sent)  # type: ignore[arg-type]
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"{method} {path} answered {answer.status}.")


def show(name: str, act: Callable[[int], None]) -> None:
    """Time a call many times and print its delays."""
    for number in range(20):
        act(-number - 1)
    delays = []
    for number in range(REQUESTS):
        began = time.perf_counter()
        act(number)
        delays.append((time.perf_counter() - began) * 1e3)
    delays.sort()
    shown = "".join(f"{delays[int(REQUESTS * part)]:>7.2f} ms" for part in (0.5, 0.95, 0.99))
    print(f"  {name:32}{shown}")


if __name__ == "__main__":
    main()
