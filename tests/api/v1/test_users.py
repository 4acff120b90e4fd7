"""/v1/users: what a store knows of its users, objections, and merges."""

from __future__ import annotations

from typing import Any

import pytest

from engine.models.shopper import IdentityLink, Shopper
from tenants.context import in_environment, on_platform
from tenants.models.environment import CatalogueClock, Environment
from tests.api.conftest import ApiClient, assert_problem
from tests.engine.statements import tenant_statements


def _clock(environment: Environment) -> int:
    with on_platform():
        return CatalogueClock.objects.get(environment=environment).change_seq


def _batch(api: ApiClient, key: str, *users: Any, **members: Any) -> Any:
    answer = api.post("/v1/users:batch", json={"users": list(users), **members}, key=key)
    assert answer.status_code == 200, answer.content
    return answer.json()


def _counts(answer: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in answer.items() if name != "errors" and count}


def test_a_patch_creates_a_user_and_merges_into_it(api: ApiClient, acorn_key: str) -> None:
    first = api.patch(
        "/v1/users/ada", json={"attributes": {"city": "Ulm", "age": 30}}, key=acorn_key
    )
    assert first.status_code == 200
    assert first.json() == {
        "id": "ada",
        "attributes": {"city": "Ulm", "age": 30},
        "personalise": True,
        "source_updated_at": None,
    }
    api.patch(
        "/v1/users/ada",
        json={"attributes": {"age": None, "size": "M"}, "personalise": False},
        key=acorn_key,
    )
    assert api.get("/v1/users/ada", key=acorn_key).json() == {
        "id": "ada",
        "attributes": {"city": "Ulm", "size": "M"},
        "personalise": False,
        "source_updated_at": None,
    }


def test_a_user_of_an_event_is_known_without_attributes(api: ApiClient, acorn_key: str) -> None:
    event = {"type": "view", "user_id": "ada", "item_id": "pan-24"}
    api.post("/v1/events", json=event, key=acorn_key)
    assert api.get("/v1/users/ada", key=acorn_key).json()["attributes"] == {}
    assert _counts(_batch(api, acorn_key, {"id": "ada", "attributes": {"city": "Ulm"}})) == {
        "accepted": 1,
        "updated": 1,
    }


def test_an_objection_reaches_serving_by_the_clock(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    start = _clock(acorn)
    api.patch("/v1/users/ada", json={"personalise": False}, key=acorn_key)
    api.patch("/v1/users/ada", json={"personalise": False}, key=acorn_key)
    with in_environment(acorn):
        assert Shopper.objects.get(external_id="ada").change_seq == start + 1
    assert _clock(acorn) == start + 1


def test_a_deleted_user_is_gone_and_keeps_an_objection(api: ApiClient, acorn_key: str) -> None:
    members = {"attributes": {"city": "Ulm"}, "personalise": False}
    api.patch("/v1/users/ada", json=members, key=acorn_key)
    assert api.delete("/v1/users/ada", key=acorn_key).status_code == 204
    assert_problem(api.get("/v1/users/ada", key=acorn_key), 404, "not_found")
    assert_problem(api.delete("/v1/users/ada", key=acorn_key), 404, "not_found")
    again = api.patch("/v1/users/ada", json={}, key=acorn_key).json()
    assert (again["attributes"], again["personalise"]) == ({}, False)


def test_another_stores_user_does_not_exist(api: ApiClient, acorn_key: str, birch_key: str) -> None:
    api.patch("/v1/users/ada", json={}, key=acorn_key)
    assert_problem(api.get("/v1/users/ada", key=birch_key), 404, "not_found")
    assert_problem(api.delete("/v1/users/ada", key=birch_key), 404, "not_found")


def test_a_batch_counts_what_each_row_did(api: ApiClient, acorn_key: str) -> None:
    stamped = {"id": "ada", "source_updated_at": "2026-01-02T00:00:00Z"}
    assert _counts(_batch(api, acorn_key, stamped, {"id": "ben"})) == {"accepted": 2, "created": 2}
    older = {**stamped, "source_updated_at": "2026-01-01T00:00:00Z", "personalise": False}
    answer = _batch(
        api,
        acorn_key,
        older,
        {"id": "ben", "deleted": True},
        {"id": "cy", "deleted": True},
        {"id": "dot", "attributes": {"deep": {"er": 1}}},
    )
    assert _counts(answer) == {
        "accepted": 3,
        "stale": 1,
        "deleted": 1,
        "unchanged": 1,
        "rejected": 1,
    }
    assert answer["errors"] == [
        {
            "index": 3,
            "id": "dot",
            "pointer": "/users/3/attributes/deep",
            "code": "invalid_type",
            "detail": "User 'dot' has attributes an object; "
            "send a string, a number, a boolean or a list of them.",
        }
    ]


@pytest.mark.parametrize(
    ("members", "pointer", "code"),
    [
        ({"personalise": "no"}, "/personalise", "invalid_type"),
        ({"personalise": None}, "/personalise", "invalid_type"),
        ({"attributes": {"city": "Ulm\0"}}, "/attributes/city", "invalid_text"),
        ({"personalize": True}, "/personalize", "unknown_field"),
        ({"id": "ben"}, "/id", "invalid_object"),
    ],
)
def test_a_bad_member_is_named(
    api: ApiClient, acorn_key: str, members: dict[str, Any], pointer: str, code: str
) -> None:
    answer = api.patch("/v1/users/ada", json=members, key=acorn_key)
    problem = assert_problem(answer, 422, "invalid_object")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(pointer, code)]


def test_an_atomic_batch_with_a_bad_row_writes_nothing(api: ApiClient, acorn_key: str) -> None:
    body = {"users": [{"id": "ada"}, {"id": 7}], "atomic": True}
    problem = assert_problem(
        api.post("/v1/users:batch", json=body, key=acorn_key), 422, "rows_rejected"
    )
    assert (problem["accepted"], problem["rejected"]) == (0, 1)
    assert_problem(api.get("/v1/users/ada", key=acorn_key), 404, "not_found")


def test_a_batch_has_at_most_1000_rows(api: ApiClient, acorn_key: str) -> None:
    body = {"users": [{"id": f"u{number}"} for number in range(1001)]}
    assert_problem(api.post("/v1/users:batch", json=body, key=acorn_key), 413, "batch_too_large")


def test_a_batch_takes_five_statements(api: ApiClient, acorn_key: str) -> None:
    with tenant_statements() as statements:
        _batch(api, acorn_key, *({"id": f"u{number}"} for number in range(200)))
    # Lock the clock, ask who was erased, read, write, move the clock.
    assert len(statements) == 5, statements


def test_a_merge_is_idempotent_and_a_shared_device_changes_hands(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    for user_id in ("ada", "ada", "ben", "ben"):
        body = {"anonymous_id": "tab", "user_id": user_id}
        answer = api.post("/v1/users:merge", json=body, key=acorn_key)
        assert (answer.status_code, answer.json()) == (200, body)
    with in_environment(acorn):
        links = IdentityLink.objects.order_by("valid_from")
        assert list(links.values_list("user__external_id", flat=True)) == ["ada", "ben"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"anonymous_id": "tab"}, "invalid_parameter"),
        ({"anonymous_id": 1, "user_id": "ada"}, "invalid_parameter"),
        ({"anonymous_id": "tab", "user_id": "x" * 257}, "invalid_parameter"),
        ({"anonymous_id": "tab", "user": "ada"}, "unknown_field"),
    ],
)
def test_a_merge_needs_both_ids(
    api: ApiClient, acorn_key: str, body: dict[str, Any], code: str
) -> None:
    assert_problem(api.post("/v1/users:merge", json=body, key=acorn_key), 400, code)
