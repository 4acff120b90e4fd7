"""A client of the API that sends paths as a server hands them over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import time_machine
from django.test import Client
from django.test.client import ClientHandler

if TYPE_CHECKING:
    from django.http import HttpResponse

PROBLEM = "application/problem+json"


@cache
def loaded_handler() -> ClientHandler:
    """Django with its middleware, which takes longer to load than most tests' requests."""
    handler = ClientHandler(enforce_csrf_checks=False)
    handler.load_middleware()
    return handler


def make_client() -> Client:
    client = Client(raise_request_exception=False)
    client.handler = loaded_handler()
    return client


@dataclass(frozen=True)
class ApiClient:
    """Calls the web process inside the test: `api.post("/v1/events", key=acorn_key, json={…})`."""

    client: Client = field(default_factory=make_client)

    def request(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        json: Any = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        if json is not None:
            body = orjson.dumps(json)
        return self.client.generic(
            method,
            path,
            data=b"" if body is None else body,
            content_type=content_type,
            headers=sent,
            RAW_URI=path,
        )

    def get(self, path: str, **sent: Any) -> Any:
        return self.request("GET", path, **sent)

    def post(self, path: str, **sent: Any) -> Any:
        return self.request("POST", path, **sent)

    def put(self, path: str, **sent: Any) -> Any:
        return self.request("PUT", path, **sent)

    def patch(self, path: str, **sent: Any) -> Any:
        return self.request("PATCH", path, **sent)

    def delete(self, path: str, **sent: Any) -> Any:
        return self.request("DELETE", path, **sent)


@dataclass
class FrozenClock:
    """A moment that stands until a test moves it, for the wall clock and the monotonic one."""

    moment: Any
    start: datetime
    elapsed: float = 0.0

    def shift(self, **duration: float) -> None:
        self.moment.shift(timedelta(**duration))
        self.elapsed += timedelta(**duration).total_seconds()


START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def clock(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[FrozenClock]:
    with time_machine.travel(START, tick=False) as moment:
        frozen = FrozenClock(moment, START)
        monkeypatch.setattr("tenants.selectors.credential.monotonic", lambda: frozen.elapsed)
        yield frozen


@pytest.fixture
def api(database: None) -> Iterator[ApiClient]:
    from tenants.selectors.credential import forget_credentials

    forget_credentials()
    yield ApiClient()
    forget_credentials()


def assert_problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Check status, code and content type of an error, and return its body."""
    assert (response.status_code, response.headers["Content-Type"]) == (status, PROBLEM), (
        response.content
    )
    body: dict[str, Any] = orjson.loads(response.content)
    assert body["code"] == code
    assert body["status"] == status
    assert body["instance"] == response.headers["X-Request-Id"]
    return body
