"""A store to explore, and a browser of its analyst, beside a service that answers as told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from engine.services.ingest_events import ingest_events
from engine.services.write_items import write_items
from saas.lib.config import config
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.people import visitor
from tests.saas.portal.inference import Inference, serving

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def inference(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inference]:
    with serving() as told:
        named = config().model_copy(update={"inference_url": told.url})
        monkeypatch.setattr("saas.portal.previews.config", lambda: named)
        yield told


@pytest.fixture
def client(acorn: Environment) -> Client:
    return visitor(acorn.tenant, "analyst")


def put_items(environment: Environment, *rows: dict[str, Any]) -> None:
    with in_environment(environment):
        write_items(environment=environment, rows=list(rows))


def put_events(environment: Environment, *rows: dict[str, Any]) -> None:
    sent = [
        {"type": "view", "ts": (NOW - timedelta(hours=place)).isoformat(), **row}
        for place, row in enumerate(rows)
    ]
    with in_environment(environment):
        ingest_events(environment=environment, rows=sent, received_at=NOW, source="server")


def text_of(client: Client, path: str, query: dict[str, Any] | None = None, **more: Any) -> str:
    answer = client.get(path, query or {}, **more)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()
