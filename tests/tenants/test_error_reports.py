"""Error reports: on with a DSN alone, without frameworks, secrets and customers' values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.db import DatabaseError, transaction
from sentry_sdk.transport import Transport
from typing_extensions import override

from engine.models.shopper import Shopper
from tenants import tokens
from tenants.context import in_environment
from tenants.error_reports import configure_error_reports, report_error
from tenants.models.environment import Environment

# Not written where it is used: a report shows the lines around the one that failed.
EMAIL = "ada@example.com"


class Outbox(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    @override
    def capture_envelope(self, envelope: Any) -> None:
        self.sent.append(envelope.get_event())


@pytest.fixture
def forgotten() -> Iterator[None]:
    yield
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_without_a_dsn_nothing_is_reported(forgotten: None) -> None:
    configure_error_reports(dsn=None, process="worker")
    assert not sentry_sdk.get_client().is_active()


@pytest.fixture
def outbox(forgotten: None, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    configure_error_reports(dsn="http://public@127.0.0.1:9/1", process="worker")
    client = sentry_sdk.get_client()
    assert client.integrations == {}
    box = Outbox()
    monkeypatch.setattr(client, "transport", box)
    return box


def test_a_report_names_the_process_and_no_secret(outbox: Outbox) -> None:
    key = tokens.make_key(kind="secret", environment="live")
    token = "eyJhbGciOiJFZERTQSJ9.eyJ0aWQiOiIxIn0.c2lnbmF0dXJl"
    report_error(RuntimeError(f"refused {key} and {token} at postgresql://app:pw@db/x"))
    (event,) = outbox.sent
    assert event["tags"]["process"] == "worker"
    message = event["exception"]["values"][0]["value"]
    assert message == "refused [filtered] and [filtered] at postgresql://[filtered]db/x"


def test_a_report_carries_nothing_of_a_request(outbox: Outbox) -> None:
    scope = sentry_sdk.get_current_scope()
    scope.set_extra("body", "payload")
    scope.set_user({"id": "ada"})
    report_error(RuntimeError("It failed."))
    (event,) = outbox.sent
    assert not {"request", "user", "extra"} & set(event)


def test_a_report_of_a_database_error_carries_no_value(outbox: Outbox, acorn: Environment) -> None:
    with in_environment(acorn):
        for wrong in (
            lambda: Shopper.objects.create(kind="user", external_id=EMAIL),
            lambda: Shopper.objects.extra(where=[f"'{EMAIL}'::uuid IS NULL"]).exists(),
        ):
            with pytest.raises(DatabaseError) as caught, transaction.atomic():
                wrong()
            report_error(caught.value)
    sent = json.dumps(outbox.sent, default=str)
    assert len(outbox.sent) == 2
    assert "violates not-null constraint" in sent
    assert "invalid input syntax for type uuid" in sent
    assert EMAIL not in sent
