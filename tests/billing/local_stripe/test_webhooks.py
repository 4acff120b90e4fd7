"""How the local Stripe tells of events: signed, twice, in any order, until it hears a 2xx."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe
from typing_extensions import override

from billing.local_stripe.world import World
from tests.billing.stripe_server import Account
from tests.chaos.processes import wait_for


class Receiver(ThreadingHTTPServer):
    """Keeps what comes, and answers with the next of the statuses, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[bytes, str]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in list(self.received)]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:  # http.server's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((body, self.headers["Stripe-Signature"]))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def listen(account: Account, receiver: Receiver, *types: str) -> str:
    sent: Any = {"url": receiver.url, "enabled_events": types or ("*",)}
    return str(account.client.v1.webhook_endpoints.create(sent).secret)


def test_each_event_comes_twice_and_its_signature_holds(
    account: Account, receiver: Receiver
) -> None:
    secret = listen(account, receiver)
    account.make_customer()
    wait_for("both copies", lambda: len(receiver.received) == 2)

    for body, signature in receiver.received:
        event = stripe.Webhook.construct_event(body, signature, secret)
        assert event.type == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", signature, secret)


def test_events_come_out_of_order(account: Account, receiver: Receiver) -> None:
    listen(account, receiver)
    made = [account.make_customer() for _ in range(20)]
    wait_for("all copies", lambda: len(receiver.received) == 40)

    arrived = [json.loads(body)["data"]["object"]["id"] for body, _ in receiver.received]
    assert sorted(set(arrived)) == sorted(made)
    assert arrived != sorted(arrived, key=made.index)


def test_a_webhook_that_fails_is_sent_again(account: Account, receiver: Receiver) -> None:
    receiver.statuses = [500, 302, 404]
    account.post_switches(webhook_copies=1)
    listen(account, receiver)
    account.make_customer()

    wait_for("the fourth try", lambda: len(receiver.received) == 4)
    wait_for(
        "its end",
        lambda: not any(each["pending_webhooks"] for each in account.world.all("event").values()),
    )


def test_only_the_types_asked_for_come(account: Account, receiver: Receiver) -> None:
    listen(account, receiver, "product.created")
    account.make_customer()
    account.client.v1.products.create({"name": "Starter"})

    wait_for("both copies", lambda: len(receiver.received) == 2)
    assert set(receiver.types()) == {"product.created"}


def test_a_meters_errors_come_as_thin_events(account: Account, receiver: Receiver) -> None:
    listen(account, receiver, "*")
    account.make_meter()
    account.report("cus_nobody", 1, identifier="rec.1")

    wait_for("both copies", lambda: len(receiver.received) == 2)
    event = json.loads(receiver.received[0][0])
    assert event["object"] == "v2.core.event"
    assert account.client.v2.core.events.retrieve(event["id"]).type == event["type"]


def test_a_secret_is_shown_once_and_a_deleted_hook_hears_nothing(
    account: Account, receiver: Receiver
) -> None:
    listen(account, receiver)
    (hook,) = account.client.v1.webhook_endpoints.list().data
    assert "secret" not in hook
    account.client.v1.webhook_endpoints.delete(hook.id)
    account.make_customer()

    assert receiver.received == []


def test_a_restart_keeps_everything(account: Account, tmp_path: Path) -> None:
    account.make_meter()
    customer = account.make_customer()
    account.report(customer, 5, identifier="rec.1")
    account.world.save(tmp_path / "stripe.json")

    again = World()
    again.load(tmp_path / "stripe.json")
    again.load(tmp_path / "no such file")

    assert again.objects == account.world.objects
    assert again.usage == account.world.usage
    assert again.identifiers.keys() == {"rec.1"}
