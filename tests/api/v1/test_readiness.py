"""/v1/readiness: what a store reads before its first model is there."""

from __future__ import annotations

from typing import Any

from engine.selectors.readiness import decide_readiness
from tests.api.conftest import ApiClient
from tests.engine.statements import tenant_statements

VIEW = {"type": "view", "user_id": "ada", "item_id": "pan-24"}


def _for_user(api: ApiClient, key: str) -> dict[str, Any]:
    answer = api.get("/v1/readiness", key=key)
    assert answer.status_code == 200, answer.content
    states: dict[str, dict[str, Any]] = answer.json()
    assert list(states) == ["for_user", "similar", "popular"]
    return states["for_user"]


def _blocking(state: dict[str, Any]) -> list[str]:
    return [each["code"] for each in state["blocking"]]


def test_an_empty_store_is_told_what_to_send(api: ApiClient, acorn_key: str) -> None:
    state = _for_user(api, acorn_key)
    assert state["status"] == "blocked"
    assert state["have"] == {"items": 0, "events": 0}
    assert state["need"] == {"items": 2, "events": 100}
    assert _blocking(state) == ["no_items", "no_events"]


def test_events_of_unknown_items_block_until_the_items_come(api: ApiClient, acorn_key: str) -> None:
    api.post("/v1/events", json=VIEW, key=acorn_key)
    assert _blocking(_for_user(api, acorn_key)) == ["no_items", "unknown_items"]
    items = [{"id": name, "title": name} for name in ("pan-24", "lid-24")]
    api.post("/v1/items:batch", json={"items": items}, key=acorn_key)
    state = _for_user(api, acorn_key)
    assert (state["status"], state["have"]["events"]) == ("learning", 1)
    assert state["blocking"] == []


def test_a_live_model_makes_everything_active() -> None:
    state = decide_readiness(
        items=0, events=0, learnable_events=0, needed_events=100, has_model=True
    )
    assert (state.status, state.served_instead, state.blocking) == ("active", None, ())


def test_readiness_takes_two_bounded_statements(api: ApiClient, acorn_key: str) -> None:
    with tenant_statements() as statements:
        _for_user(api, acorn_key)
    assert len(statements) == 2
    assert all("LIMIT" in statement for statement in statements)
