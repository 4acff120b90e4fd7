"""What one process has taken in another one knows, from the watermark of the answer on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from saas.demo.client import call
from saas.embedded.ports import free_port
from saas.lib.recent_events import watermark_hash
from saas.lib.redis_client import redis_client
from saas.lifecycle.delete_tenant import delete_tenant
from tests.chaos.processes import Process, wait_for
from tests.conftest import Store, as_owner, make_store


@pytest.fixture
def store(migrated: None) -> Iterator[Store]:
    made = make_store(f"Watermarks {secrets.token_hex(3)}")
    yield made
    with as_owner():
        delete_tenant(slug=made.live.tenant.slug, actor="command", reason="the test is over")


@pytest.fixture
def addresses(migrated: None, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where a web process and an inference process of its own answer."""
    web, inference = free_port(), free_port()
    commands = {
        "web": ("-m", "saas.web", "--ports", str(web)),
        "inference": ("-m", "api.inference", "--port", str(inference)),
    }
    processes = [
        Process(
            *command,
            log=tmp_path / f"{name}.log",
            environment={
                "SHELFWISE_PROCESS": name,
                "SHELFWISE_MANAGEMENT_PORT": "0",
                "SHELFWISE_CONTROL_CACHE": str(tmp_path / f"{name}.json"),
            },
        )
        for name, command in commands.items()
    ]
    both = f"http://127.0.0.1:{web}", f"http://127.0.0.1:{inference}"
    try:
        for address in both:
            wait_for(f"{address} to be ready", partial(_is_ready, address))
        yield both
    finally:
        for process in processes:
            process.kill()


def test_an_event_counts_in_another_process_from_its_watermark_on(
    addresses: tuple[str, str], store: Store
) -> None:
    web, inference = addresses

    def post(address: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = call("POST", f"{address}{path}", key=store.key, body=body)
        assert answer.status in {200, 202}, answer.body
        return dict(answer.body)

    items = [{"id": f"sku-{number}", "title": "A book"} for number in range(5)]
    post(web, "/v1/items:batch", {"items": items})
    wait_for(
        "the items to be served",
        lambda: len(post(inference, "/v1/recommend/popular", {})["items"]) == len(items),
    )
    for number in range(5):
        event = {"type": "view", "user_id": "ada", "item_id": f"sku-{number}"}
        watermark = post(web, "/v1/events", event)["watermark"]
        seen = post(
            inference,
            "/v1/recommend/recently-viewed",
            {"user_id": "ada", "min_watermark": watermark},
        )
        assert seen["freshness"]["min_watermark"] == "reached"
        assert seen["items"][0]["id"] == f"sku-{number}"

    # Redis loses everything: an old watermark says so at once, a new one counts.
    redis_client().delete(watermark_hash(store.live.pk))
    lost = post(inference, "/v1/recommend/popular", {"min_watermark": watermark})
    assert lost["freshness"]["min_watermark"] == "lost"
    new = post(web, "/v1/events", {"type": "view", "user_id": "ada", "item_id": "sku-0"})
    assert new["watermark"].rpartition("-")[0] != watermark.rpartition("-")[0]
    again = post(inference, "/v1/recommend/popular", {"min_watermark": new["watermark"]})
    assert again["freshness"]["min_watermark"] == "reached"
    still = post(inference, "/v1/recommend/popular", {"min_watermark": watermark})
    assert still["freshness"]["min_watermark"] == "lost"


def _is_ready(address: str) -> bool:
    try:
        return call("GET", f"{address}/readyz").status == 200
    except OSError:
        return False
