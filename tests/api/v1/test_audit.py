"""/v1/audit: a store sees who did what to it, and nobody else does."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.models.environment import Environment
from tenants.services.record_audit import record_audit
from tests.api.conftest import ApiClient, assert_problem


@pytest.fixture
def log(acorn: Environment, birch: Environment) -> None:
    """Three things happened to Acorn Books, one to Birch Shoes."""
    for number, (environment, actor, name) in enumerate(
        [
            (acorn, "key:key_1", "settings:live"),
            (acorn, "staff:eve@shelfwise.example", "subscription"),
            (birch, "command", "subscription"),
            (acorn, "job:7", "model:01ABC"),
        ]
    ):
        record_audit(
            tenant_id=environment.tenant_id,
            actor=actor,
            action=f"done_{number}",
            object=name,
            reason="Asked for.",
            after={"number": number},
        )


def actions(api: ApiClient, key: str, query: str = "") -> list[str]:
    return [each["action"] for each in shown(api, key, query)]


def shown(api: ApiClient, key: str, query: str = "") -> list[dict[str, Any]]:
    """Return the events of `log`; what tests have committed before stays in an audit log."""
    answer = api.get(f"/v1/audit{query}", key=key)
    assert answer.status_code == 200, answer.content
    return [each for each in answer.json()["data"] if each["action"].startswith("done_")]


def test_a_store_sees_its_own_events_newest_first(
    api: ApiClient, acorn_key: str, birch_key: str, log: None
) -> None:
    assert actions(api, acorn_key) == ["done_3", "done_1", "done_0"]
    assert actions(api, birch_key) == ["done_2"]


def test_an_event_says_who_what_and_why_but_not_which_of_our_people(
    api: ApiClient, acorn_key: str, log: None
) -> None:
    events = shown(api, acorn_key)

    assert [each["actor"] for each in events] == ["shelfwise", "staff", "key:key_1"]
    assert (events[1]["object"], events[1]["reason"]) == ("subscription", "Asked for.")
    assert (events[1]["before"], events[1]["after"]) == ({}, {"number": 1})


def test_events_of_an_object_or_a_kind_of_object(api: ApiClient, acorn_key: str, log: None) -> None:
    assert actions(api, acorn_key, "?object=subscription") == ["done_1"]
    assert actions(api, acorn_key, "?object=model:") == ["done_3"]
    assert actions(api, acorn_key, "?object=model") == []


def test_since(api: ApiClient, acorn_key: str, log: None) -> None:
    assert len(actions(api, acorn_key, "?since=2020-01-01T00:00:00Z")) == 3
    assert actions(api, acorn_key, "?since=2999-01-01T00:00:00Z") == []


def test_pages(api: ApiClient, acorn_key: str, log: None) -> None:
    first = api.get("/v1/audit?limit=2", key=acorn_key).json()

    assert first["has_more"]
    assert actions(api, acorn_key, f"?limit=2&cursor={first['next_cursor']}") == ["done_0"]


@pytest.mark.parametrize("query", ["since=monday", "cursor=x", "limit=0", "actor=me"])
def test_bad_questions_are_refused(api: ApiClient, acorn_key: str, query: str) -> None:
    assert_problem(api.get(f"/v1/audit?{query}", key=acorn_key), 400, "invalid_parameter")
