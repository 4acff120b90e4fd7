"""Stripe's webhook: verified, stored once, answered before anything is done about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe
from django.test import Client

from billing.models.stripe_event import StripeEvent
from saas.lib.config import config
from tenants.models.job import Job

SECRET = "whsec_of_the_tests"
PATH = "/v1/stripe/webhook"


@pytest.fixture(autouse=True)
def _secret(database: None, monkeypatch: Any) -> Iterator[None]:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    config.cache_clear()
    yield
    config.cache_clear()


def event(identifier: str = "evt_1", kind: str = "customer.subscription.updated") -> str:
    body = {"id": identifier, "object": "event", "type": kind, "data": {"object": {"name": "ä"}}}
    return json.dumps(body, ensure_ascii=False)


def signed(body: str, *, secret: str = SECRET, age: int = 0) -> str:
    at = int(time.time()) - age
    return str(stripe.WebhookSignature.generate_signature_header(body, secret, at))


def post(body: str, signature: str) -> Any:
    return Client().post(
        PATH,
        body.encode(),
        content_type="application/json; charset=utf-8",
        headers={"Stripe-Signature": signature},
    )


def test_an_event_is_stored_as_it_came_and_queued_once() -> None:
    body = event()
    for _ in range(3):
        assert post(body, signed(body)).status_code == 200

    assert StripeEvent.objects.get().body == body
    (job,) = Job.objects.filter(kind="billing.tasks.apply_stripe_event")
    assert (job.environment_id, job.payload) == (None, {"event_id": "evt_1"})


def test_a_type_that_we_do_not_know_is_stored_too() -> None:
    body = event(kind="treasury.something.new")

    assert post(body, signed(body)).status_code == 200
    assert StripeEvent.objects.get().type == "treasury.something.new"


@pytest.mark.parametrize("age", [200, -290])
def test_five_minutes_either_way_are_fine(age: int) -> None:
    assert post(event(), signed(event(), age=age)).status_code == 200


@pytest.mark.parametrize(
    "sign",
    [
        lambda: signed(event(), age=310),
        # A slow test is later than its signature says.
        lambda: signed(event(), age=-400),
        lambda: signed(event(), secret="whsec_of_somebody"),
        lambda: signed(event("evt_2")),
        lambda: "t=soon,v1=00",
        lambda: "nonsense",
        lambda: "",
    ],
    ids=["old", "early", "another's", "another body", "no time", "nonsense", "none"],
)
def test_what_stripe_has_not_signed_now_is_refused(sign: Callable[[], str]) -> None:
    answer = post(event(), sign())

    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
    assert not StripeEvent.objects.exists()


def test_both_signatures_of_a_rotated_secret_are_looked_at() -> None:
    old = signed(event(), secret="whsec_old")
    new = signed(event()).partition("v1=")[2]

    assert post(event(), f"{old},v1={new}").status_code == 200


def test_an_empty_body_is_refused() -> None:
    assert post("", "t=1,v1=00").status_code == 400


def test_without_a_secret_there_is_no_webhook(monkeypatch: Any) -> None:
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET")
    config.cache_clear()

    assert post(event(), signed(event())).status_code == 404
