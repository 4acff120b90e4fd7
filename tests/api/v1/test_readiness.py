"""/v1/readiness: what a store reads before its first model is there, and after."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.models.training import ModelVersion, TrainingRun
from engine.selectors import learnable_events
from engine.selectors.readiness import TYPES, Facts, Readiness, decide_readiness
from saas.lib.ids import new_ulid
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.selectors.credential import forget_credentials
from tests.api.conftest import ApiClient
from tests.engine.statements import tenant_statements

VIEW = {"type": "view", "user_id": "ada", "item_id": "pan-24"}
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _states(api: ApiClient, key: str) -> dict[str, dict[str, Any]]:
    answer = api.get("/v1/readiness", key=key)
    assert answer.status_code == 200, answer.content
    states: dict[str, dict[str, Any]] = answer.json()
    assert list(states) == [
        "for_user",
        "similar",
        "bought_together",
        "cart",
        "trending",
        "popular",
        "recently_viewed",
        "rerank",
    ]
    return states


def _for_user(api: ApiClient, key: str) -> dict[str, Any]:
    return _states(api, key)["for_user"]


def _blocking(state: dict[str, Any]) -> list[str]:
    return [each["code"] for each in state["blocking"]]


def _send_items(api: ApiClient, key: str, *items: dict[str, Any]) -> None:
    rows = [{"title": "T", **item} for item in items]
    assert api.post("/v1/items:batch", json={"items": rows}, key=key).status_code == 200


def _decided(name: str, **facts: Any) -> Readiness:
    enough = {
        "items": 9,
        "has_events": True,
        "learnable": 500,
        "personal": 400,
        "needed_events": 100,
        "has_model": True,
    }
    return decide_readiness(Facts(**{**enough, **facts}), TYPES[name])


def test_an_empty_store_is_told_what_to_send(api: ApiClient, acorn_key: str) -> None:
    state = _for_user(api, acorn_key)
    assert state["status"] == "blocked"
    assert state["have"] == {"items": 0, "events": 0, "shopper_events": 0}
    assert state["need"] == {"items": 2, "events": 100, "shopper_events": 1}
    assert state["served_instead"] == "newest"
    assert _blocking(state) == ["no_items", "no_events"]


def test_events_of_unknown_items_block_until_the_items_come(api: ApiClient, acorn_key: str) -> None:
    api.post("/v1/events", json=VIEW, key=acorn_key)
    state = _for_user(api, acorn_key)
    assert _blocking(state) == ["no_items", "unknown_items"]
    assert state["blocking"][1]["samples"] == ["pan-24"]
    _send_items(api, acorn_key, {"id": "pan-24"}, {"id": "lid-24"})
    state = _for_user(api, acorn_key)
    assert (state["status"], state["have"]["events"]) == ("learning", 1)
    assert state["blocking"] == []


def test_events_of_a_group_count(api: ApiClient, acorn_key: str) -> None:
    api.post("/v1/events", json={**VIEW, "item_id": "pans"}, key=acorn_key)
    _send_items(api, acorn_key, {"id": "pan-24", "group_id": "pans"}, {"id": "lid-24"})
    assert _for_user(api, acorn_key)["have"]["events"] == 1


def test_what_was_viewed_needs_no_model(api: ApiClient, acorn_key: str) -> None:
    _send_items(api, acorn_key, {"id": "pan-24"}, {"id": "lid-24"})
    api.post("/v1/events", json=VIEW, key=acorn_key)
    states = _states(api, acorn_key)
    assert {name: state["status"] for name, state in states.items()} == {
        "for_user": "learning",
        "similar": "learning",
        "bought_together": "learning",
        "cart": "learning",
        "trending": "learning",
        "popular": "learning",
        "recently_viewed": "active",
        "rerank": "learning",
    }


def test_events_of_nobody_in_particular_block_what_is_personal(
    api: ApiClient, acorn_key: str
) -> None:
    _send_items(api, acorn_key, {"id": "pan-24"}, {"id": "lid-24"})
    session = {"type": "view", "session_id": "s", "item_id": "pan-24"}
    api.post("/v1/events", json=session, key=acorn_key)
    states = _states(api, acorn_key)
    assert _blocking(states["for_user"]) == ["no_shoppers"]
    assert _blocking(states["recently_viewed"]) == ["no_shoppers"]
    assert (states["popular"]["status"], states["popular"]["blocking"]) == ("learning", [])


def test_a_live_model_makes_active_what_it_can_serve() -> None:
    for name in TYPES:
        assert _decided(name).status == "active"
        assert _decided(name).served_instead is None
    assert _decided("similar", personal=0).status == "active"
    nobody = _decided("for_user", personal=0)
    assert (nobody.status, nobody.served_instead) == ("blocked", "popular")
    assert _decided("recently_viewed", personal=0).served_instead is None


@pytest.fixture
def filled(api: ApiClient, acorn: Environment, acorn_key: str) -> Environment:
    """A store with something to learn from."""
    _send_items(api, acorn_key, {"id": "pan-24"}, {"id": "lid-24"})
    api.post("/v1/events", json=VIEW, key=acorn_key)
    return acorn


def test_a_training_that_failed_is_told_until_another_runs(
    api: ApiClient, acorn_key: str, filled: Environment
) -> None:
    with in_environment(filled):
        TrainingRun.objects.create(id=new_ulid(), status="failed", error="So.", created_at=NOW)
    (blocking,) = _for_user(api, acorn_key)["blocking"]
    assert blocking == {
        "code": "training_failed",
        "detail": "The last training failed: So.",
        "samples": [],
    }
    api.post("/v1/models:train", json={}, key=acorn_key)
    assert _for_user(api, acorn_key)["status"] == "learning"


@pytest.mark.parametrize(
    ("verdict", "code"), [("rejected", "model_rejected"), ("promoted", "model_waits")]
)
def test_a_model_that_is_not_live_is_told_with_the_gates_reason(
    api: ApiClient, acorn_key: str, filled: Environment, verdict: str, code: str
) -> None:
    with in_environment(filled):
        TrainingRun.objects.create(id=new_ulid(), status="completed", created_at=NOW)
        version = ModelVersion.objects.create(
            version=new_ulid(),
            trained_at=NOW,
            verdict=verdict,
            reason="Because of this.",
            recipe={},
            data_window={},
            counts={},
            metrics={},
            baselines={},
        )
    (blocking,) = _for_user(api, acorn_key)["blocking"]
    assert blocking["code"] == code
    assert blocking["detail"].startswith("Because of this.")
    assert f"/v1/models/{version.pk}:promote" in blocking["detail"]


def test_a_store_that_trains_on_request_is_told_how(
    api: ApiClient, acorn_key: str, filled: Environment
) -> None:
    api.put("/v1/settings", json={"auto_train": "off"}, key=acorn_key)
    forget_credentials()
    assert _blocking(_for_user(api, acorn_key)) == ["auto_train_off"]


def test_a_look_takes_a_few_bounded_statements(
    api: ApiClient, acorn_key: str, filled: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_statements() as statements:
        _for_user(api, acorn_key)
    # Counts, events, the last training, the last model.
    assert len(statements) == 4
    assert all("LIMIT" in statement for statement in statements)
    # A store that shows a lot and sells little is not searched to its beginning.
    monkeypatch.setattr(learnable_events, "LINES_LOOKED_AT", 3)
    impressions = [{**VIEW, "type": "impression", "event_id": f"e{n}"} for n in range(3)]
    api.post("/v1/events", json={"events": impressions}, key=acorn_key)
    assert _for_user(api, acorn_key)["have"]["events"] == 0
