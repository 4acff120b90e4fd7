"""Every recommendation call through the one port, asked by everyone who might try."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api.inference.answering import OPERATIONS
from api.inference.call import BATCH, EXPLAIN
from api.inference.runtime import Runtime
from saas.asgi import WebApplication
from saas.lib.config import Config
from tests.api.inference.conftest import Hand
from tests.conftest import Store
from tests.saas.running import running

MARKER = "Only for Acorn's eyes"
# Each call as Acorn would make it, with its own ids.
TABLE: dict[str, dict[str, Any]] = {
    "for-user": {"session": ["acorn-item"]},
    "similar": {"item_id": "acorn-item"},
    "bought-together": {"item_ids": ["acorn-item"]},
    "cart": {"item_ids": ["acorn-item"]},
    "trending": {},
    "popular": {},
    "recently-viewed": {"session_id": "s"},
    "rerank": {"item_ids": ["acorn-item"]},
    "batch": {"requests": [{"type": "popular"}]},
    "explain": {"type": "popular", "item_id": "acorn-item"},
}


def test_the_table_names_every_call_and_no_other() -> None:
    assert sorted(TABLE) == sorted((*OPERATIONS, BATCH, EXPLAIN))


@pytest.mark.parametrize("operation", TABLE)
def test_only_acorns_keys_reach_acorns_items(
    operation: str,
    acorn_hand: Hand,
    acorn_store: Store,
    birch_store: Store,
    serving_config: Config,
) -> None:
    acorn_hand.put("acorn-item", title=MARKER)
    acorn_hand.put("acorn-other", title=MARKER)
    expected = {
        "own": (acorn_store.key, 200),
        "publishable": (acorn_hand.make_key(kind="publishable"), 200),
        "reading": (acorn_hand.make_key(scopes=["recommendations:read"]), 200),
        "other scopes": (acorn_hand.make_key(scopes=["catalogue:read"]), 403),
        "nobody": (None, 401),
        "other store": (birch_store.key, 200),
        "test environment": (acorn_store.test_key, 200),
    }

    async def ask() -> None:
        async with running(WebApplication(Runtime(serving_config))) as client:
            for actor, (key, status) in expected.items():
                answer = await _call(client, operation, key)
                assert answer.status_code == status, (actor, answer.text)
                if actor == "own" and operation == "popular":
                    assert MARKER in answer.text, "else the absence below proves nothing"
                if actor == "own" and operation == EXPLAIN:
                    assert answer.json()["shown"], "else the absence below proves nothing"
                if actor in {"nobody", "other store", "test environment", "other scopes"}:
                    assert MARKER not in answer.text, actor
                    assert _items(answer) == [], actor
                    assert not answer.json().get("shown"), actor

    asyncio.run(ask())


async def _call(client: httpx.AsyncClient, operation: str, key: str | None) -> httpx.Response:
    paths = {BATCH: "/v1/recommend:batch", EXPLAIN: "/v1/explain"}
    return await client.post(
        paths.get(operation, f"/v1/recommend/{operation}"),
        json=TABLE[operation] | {"include": ["product"]},
        headers={} if key is None else {"Authorization": f"Bearer {key}"},
    )


def _items(answer: httpx.Response) -> list[Any]:
    body = answer.json()
    return [item for each in body.get("results", [body]) for item in each.get("items", [])]
