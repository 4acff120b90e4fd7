"""Sentry in the processes with Django: on with a DSN alone, without frameworks and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport
from typing_extensions import override

from saas.error_reports import configure_error_reports


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


def test_a_report_names_the_process_and_no_secret(
    forgotten: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_error_reports(dsn="http://public@127.0.0.1:9/1", process="worker")
    client = sentry_sdk.get_client()
    assert client.integrations == {}
    outbox = Outbox()
    monkeypatch.setattr(client, "transport", outbox)
    key = "sk_live_" + "A1" * 18
    sentry_sdk.capture_exception(RuntimeError(f"refused {key} at postgresql://app:pw@db/x"))
    (event,) = outbox.sent
    assert event["tags"]["process"] == "worker"
    message = event["exception"]["values"][0]["value"]
    assert message == "refused [filtered] at postgresql://[filtered]db/x"
