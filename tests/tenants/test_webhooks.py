"""Messages to webhooks: signed, sent again until they are taken, and given up in the end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from saas.lib.destinations import Network
from tenants import webhook_tasks
from tenants.context import in_environment, on_platform
from tenants.jobs import WEBHOOK_JOB
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.webhook import Webhook, WebhookDelivery
from tenants.services import deliver_webhook as delivering
from tenants.services import purge_webhook_deliveries as purging
from tenants.services.announce import announce
from tenants.services.deliver_webhook import FAILING_DAYS, RETRIES, deliver_webhook
from tenants.services.purge_webhook_deliveries import purge_webhook_deliveries
from tests.saas.lib.https_server import HttpsServer
from tests.webhooks import make_webhook, told

FACTS = {"id": "01J", "detail": "Nöthing"}


class Receiver:
    """The store's server; keeps what it was sent and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self.server = HttpsServer(self._answer)

    def _answer(self, connection: ssl.SSLSocket, head: str) -> None:
        head, _, body = head.partition("\r\n\r\n")
        size = int(re.search(r"Content-Length: (\d+)", head)[1])  # type: ignore[index]
        sent = body.encode()
        while len(sent) < size:
            sent += connection.recv(4096)
        self.bodies.append(sent)
        connection.sendall(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n".encode())
        connection.unwrap().close()

    def headers(self, number: int = -1) -> dict[str, str]:
        lines = self.server.heads[number].partition("\r\n\r\n")[0].splitlines()[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    network = receiver.server.network()

    def deliver(*, environment: Environment, job: Any) -> None:
        deliver_webhook(environment=environment, job=job, network=network)

    monkeypatch.setattr(webhook_tasks, "deliver", deliver)
    yield receiver
    receiver.server.stop()


@pytest.fixture
def webhook(acorn: Environment) -> Webhook:
    return make_webhook(acorn, "feed.failed", "import.failed")


def tell(environment: Environment, event_type: str = "feed.failed") -> None:
    with in_environment(environment):
        announce(environment=environment, event_type=event_type, data=FACTS)


def run_due_jobs(environment: Environment) -> int:
    """Run each job of ours that is due; return how many there were."""
    with on_platform():
        jobs = list(Job.objects.filter(kind=WEBHOOK_JOB, state="queued", run_after__lte=Now()))
        for job in jobs:
            webhook_tasks.deliver_webhook(job_id=job.pk, environment_id=environment.pk)
    return len(jobs)


def let_time_come() -> None:
    with on_platform():
        Job.objects.filter(kind=WEBHOOK_JOB, state="queued").update(
            run_after=timezone.now() - timedelta(hours=1)
        )


def the_delivery() -> WebhookDelivery:
    with on_platform():
        return WebhookDelivery.objects.select_related("webhook").get()


def test_a_message_says_what_happened_and_who_signed_it(
    acorn: Environment, receiver: Receiver, webhook: Webhook
) -> None:
    tell(acorn)
    assert run_due_jobs(acorn) == 1
    delivery, headers, (body,) = the_delivery(), receiver.headers(), receiver.bodies
    message = orjson.loads(body)
    assert message.pop("timestamp").endswith("Z")
    assert message == {"type": "feed.failed", "environment": "live", "data": FACTS}
    assert receiver.server.heads[0].startswith("POST /hook?shop=1 HTTP/1.1\r\n")
    assert headers["webhook-id"] == delivery.pk
    signed = f"{delivery.pk}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(webhook.secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["content-type"] == "application/json"
    assert (delivery.state, delivery.attempts, delivery.response_status) == ("delivered", 1, 200)


def test_only_webhooks_of_the_environment_that_want_it_hear_of_it(
    acorn: Environment, birch: Environment, receiver: Receiver, webhook: Webhook
) -> None:
    make_webhook(birch)
    tell(acorn, "training.failed")
    assert (told(acorn), told(birch)) == ([], [])
    tell(acorn, "import.failed")
    assert (told(acorn), told(birch)) == ([("import.failed", FACTS)], [])


def test_nothing_is_said_of_what_was_rolled_back(acorn: Environment, webhook: Webhook) -> None:
    with in_environment(acorn):
        announce(environment=acorn, event_type="feed.failed", data=FACTS)
        transaction.set_rollback(True)
    with on_platform():
        assert not WebhookDelivery.objects.exists()


def test_a_refused_message_is_sent_again_as_it_was_until_it_is_taken(
    acorn: Environment, receiver: Receiver, webhook: Webhook
) -> None:
    receiver.status = 503
    tell(acorn)
    run_due_jobs(acorn)
    refused = the_delivery()
    assert (refused.state, refused.attempts, refused.response_status) == ("pending", 1, 503)
    assert refused.next_attempt_at - refused.last_attempt_at == RETRIES[0]  # type: ignore[operator]
    assert refused.webhook.failing_since is not None
    assert run_due_jobs(acorn) == 0
    receiver.status = 204
    let_time_come()
    assert run_due_jobs(acorn) == 1
    taken = the_delivery()
    assert (taken.state, taken.attempts, taken.error) == ("delivered", 2, "")
    assert (taken.next_attempt_at, taken.webhook.failing_since) == (None, None)
    assert receiver.bodies[0] == receiver.bodies[1]
    assert receiver.headers(0)["webhook-id"] == receiver.headers(1)["webhook-id"]


def test_a_message_that_nobody_takes_is_given_up(
    acorn: Environment, receiver: Receiver, webhook: Webhook
) -> None:
    receiver.status = 302
    tell(acorn)
    run_due_jobs(acorn)
    for number in range(len(RETRIES)):
        assert the_delivery().attempts == number + 1
        let_time_come()
        assert run_due_jobs(acorn) == 1
    given_up = the_delivery()
    assert (given_up.state, given_up.next_attempt_at) == ("failed", None)
    assert given_up.error.startswith("The webhook answered 302; answer 2xx")
    assert given_up.webhook.disabled_at is None


def test_a_webhook_that_says_gone_is_not_called_again(
    acorn: Environment, receiver: Receiver, webhook: Webhook
) -> None:
    receiver.status = 410
    tell(acorn)
    run_due_jobs(acorn)
    tell(acorn)
    delivery = the_delivery()
    assert delivery.state == "failed"
    assert delivery.webhook.disabled_reason == "It answered 410 Gone."
    assert run_due_jobs(acorn) == 0


def test_a_webhook_that_takes_nothing_for_days_is_not_called_again(
    acorn: Environment, receiver: Receiver, webhook: Webhook
) -> None:
    long_ago = timezone.now() - timedelta(days=FAILING_DAYS)
    with on_platform():
        Webhook.objects.update(failing_since=long_ago)
    receiver.status = 500
    tell(acorn)
    run_due_jobs(acorn)
    assert the_delivery().webhook.disabled_reason == "It has taken no message for 5 days."


def test_a_server_that_is_away_or_slow_is_an_attempt_with_its_reason(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch, webhook: Webhook
) -> None:
    inside = Network(resolve=lambda _host, _port: [(2, ("10.0.0.1", 443))])
    monkeypatch.setattr(
        webhook_tasks,
        "deliver",
        lambda *, environment, job: deliver_webhook(
            environment=environment, job=job, network=inside
        ),
    )
    tell(acorn)
    run_due_jobs(acorn)
    refused = the_delivery()
    assert (refused.state, refused.response_status) == ("pending", None)
    assert "not a public address of the internet" in refused.error


def test_a_silent_server_does_not_hold_the_worker(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch, webhook: Webhook
) -> None:
    def say_nothing(connection: ssl.SSLSocket, _head: str) -> None:
        connection.recv(1)

    server = HttpsServer(say_nothing)
    monkeypatch.setattr(delivering, "SECONDS_TO_ANSWER", 0.2)
    monkeypatch.setattr(
        webhook_tasks,
        "deliver",
        lambda *, environment, job: deliver_webhook(
            environment=environment, job=job, network=server.network()
        ),
    )
    tell(acorn)
    run_due_jobs(acorn)
    assert "seconds to answer; have it answer first" in the_delivery().error
    server.stop()


def test_an_attempt_that_our_side_lost_counts_as_one(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch, webhook: Webhook
) -> None:
    tell(acorn)
    with on_platform():
        Job.objects.filter(kind=WEBHOOK_JOB).update(attempts=3, max_attempts=3)
    run_due_jobs(acorn)
    lost = the_delivery()
    assert (lost.state, lost.attempts, lost.error) == (
        "pending",
        1,
        "It stopped our worker each time it was tried.",
    )


def test_what_waits_for_a_deleted_webhook_is_let_go(
    acorn: Environment, receiver: Receiver, webhook: Webhook
) -> None:
    tell(acorn)
    with on_platform():
        webhook.delete()
    assert run_due_jobs(acorn) == 1
    assert receiver.bodies == []


def test_messages_are_forgotten_after_a_month(
    acorn: Environment, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "MOST_AT_ONCE", 2)
    for _ in range(4):
        tell(acorn)
    with on_platform():
        kept = WebhookDelivery.objects.order_by("pk").last()
        assert kept is not None
        WebhookDelivery.objects.exclude(pk=kept.pk).update(
            created_at=timezone.now() - timedelta(days=30, hours=1)
        )
    assert [purge_webhook_deliveries() for _ in range(3)] == [2, 1, 0]
    assert the_delivery() == kept
