"""What the portal asks in order to show it: a store's answer, at nobody's cost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn

from api.inference.app import create_app
from api.inference.runtime import Runtime
from saas.lib.config import Config, config
from saas.lib.http_protocol import SERVER_OPTIONS
from saas.portal.previews import previewed
from tenants import tokens
from tenants.services.issue_preview_token import issue_preview_token
from tests.api.inference.conftest import PATIENCE_SECONDS, Hand, Service, eventually
from tests.api.inference.test_plans import plan as plan  # a fixture

Plan = Callable[..., None]


def preview_token(hand: Hand, *, now: datetime | None = None) -> str:
    return issue_preview_token(environment=hand.environment, now=now or datetime.now(UTC))


@pytest.fixture
def key(acorn_hand: Hand, shop: Callable[..., None]) -> str:
    shop(viewed={"u:ann": [2]})
    return acorn_hand.make_key()


def told(answer: Mapping[str, Any]) -> Any:
    own = {"recommendation_id", "took_ms", "freshness"}
    return {name: value for name, value in answer.items() if name not in own}


def test_a_preview_is_the_answer_that_the_store_gets(
    service: Service, acorn_hand: Hand, key: str
) -> None:
    call = {"user_id": "ann", "include": ["product"]}

    answer = service.post("for-user", preview_token(acorn_hand), call)

    assert answer.json()["items"]
    assert told(answer.json()) == told(service.post("for-user", key, call).json())


@contextmanager
def served(own: Config) -> Iterator[str]:
    """Serve over HTTP as the process does, and give the address."""
    server = uvicorn.Server(uvicorn.Config(create_app(Runtime(own)), **SERVER_OPTIONS))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            # Who asks before it has begun waits in the socket's queue.
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            eventually(lambda: server.started)
            server.should_exit = True
            thread.join()


def test_the_portal_gets_the_stores_answer_over_http(
    service: Service,
    acorn_hand: Hand,
    key: str,
    serving_config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = {"user_id": "ann", "include": ["product"]}

    with served(serving_config) as url:
        named = config().model_copy(update={"inference_url": url})
        monkeypatch.setattr("saas.portal.previews.config", lambda: named)
        monkeypatch.setattr("saas.portal.previews._SECONDS", PATIENCE_SECONDS)
        (given,) = previewed(acorn_hand.environment, ("/v1/recommend/for-user", call))

    assert given.is_answer
    assert told(given.body) == told(service.post("for-user", key, call).json())


def test_a_preview_leaves_no_record_and_uses_nothing_of_the_plan(
    service: Service, acorn_hand: Hand, key: str, plan: Plan
) -> None:
    plan(call_limit=1, rate_per_second=1, burst=1)

    for _ in range(3):
        answer = service.post("for-user", preview_token(acorn_hand), {"user_id": "ann"})
        assert (answer.status_code, answer.json()["fallback"]) == (200, None)

    assert service.usage() == []
    assert service.post("for-user", key, {"user_id": "ann"}).json()["fallback"] is None
    assert len(service.usage()) == 1


def test_a_preview_shows_what_shoppers_get_once_the_calls_are_used_up(
    service: Service, acorn_hand: Hand, key: str, plan: Plan
) -> None:
    plan(call_limit=1)
    service.post("for-user", key, {"user_id": "ann"})

    answer = service.post("for-user", preview_token(acorn_hand), {"user_id": "ann"})

    assert answer.json()["fallback"]["reason"] == "quota_exceeded"


def test_a_previews_token_ends_after_a_minute(service: Service, acorn_hand: Hand) -> None:
    before = datetime.now(UTC) - timedelta(seconds=tokens.PREVIEW_TOKEN_SECONDS + 30)

    answer = service.post("popular", preview_token(acorn_hand, now=before))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_a_preview_of_a_suspended_store_is_refused_as_its_own_calls_are(
    service: Service, acorn_hand: Hand
) -> None:
    acorn_hand.set_status("suspended")
    service.catch_up(acorn_hand.control_seq())

    answer = service.post("popular", preview_token(acorn_hand))

    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")
