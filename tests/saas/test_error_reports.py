"""What leaves for Sentry when a request of the web process fails: no key, no payload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from typing_extensions import override

from saas.error_reports import configure_error_reports
from tests.api.conftest import ApiClient, api, assert_problem

__all__ = ["api"]


class Letterbox(Transport):
    """Keeps what would have been sent."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[str] = []

    @override
    def capture_envelope(self, envelope: Envelope) -> None:
        self.letters.append(envelope.serialize().decode())


@pytest.fixture
def letterbox() -> Iterator[Letterbox]:
    configure_error_reports(dsn="http://public@127.0.0.1:1/1", process="web")
    client: Any = sentry_sdk.get_client()
    client.transport.kill()
    client.transport = Letterbox()
    yield client.transport
    client.close()
    sentry_sdk.get_global_scope().set_client(None)


def test_a_failed_request_is_reported_without_its_key_and_payload(
    api: ApiClient, acorn_key: str, letterbox: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(**given: Any) -> None:
        planted = given["name"]
        raise RuntimeError(f"{len(planted)} characters from {acorn_key}")

    # Not in the source, whose lines are part of a report.
    payload = uuid4().hex[:15]
    monkeypatch.setattr("api.v1.keys.create_api_key", crash)
    answer = api.post("/v1/keys", key=acorn_key, json={"name": payload})
    assert_problem(answer, 500, "internal_error")
    (letter,) = letterbox.letters
    assert "15 characters from [filtered]" in letter
    assert acorn_key not in letter
    assert payload not in letter


def test_what_a_client_did_wrong_is_not_reported(
    api: ApiClient, acorn_key: str, letterbox: Letterbox
) -> None:
    assert_problem(api.post("/v1/keys", key=acorn_key, body=b"{"), 400, "malformed_json")
    assert_problem(api.get("/v1/me"), 401, "invalid_token")
    assert letterbox.letters == []


def test_without_a_dsn_nothing_is_sent() -> None:
    configure_error_reports(dsn=None, process="web")
    assert not sentry_sdk.get_client().is_active()
