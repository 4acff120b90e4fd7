"""API keys as a store manages them: shown once, rotated with an overlap, never given away."""

from __future__ import annotations

from tenants import tokens
from tenants.models.api_key import ApiKey
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tests.api.conftest import ApiClient, FrozenClock, assert_problem
from tests.conftest import make_key


def test_a_new_key_works_and_its_secret_is_shown_once(api: ApiClient, acorn_key: str) -> None:
    made = api.post("/v1/keys", key=acorn_key, json={"name": "checkout"})
    assert made.status_code == 201, made.content
    secret = made.json()["key"]
    assert tokens.is_well_formed(secret)
    assert api.get("/v1/me", key=secret).json()["scopes"] == sorted(tokens.SCOPES)
    listed = api.get("/v1/keys", key=acorn_key)
    assert "checkout" in [each["name"] for each in listed.json()["data"]]
    assert secret not in listed.content.decode()
    assert all("key" not in each and "digest" not in each for each in listed.json()["data"])


def test_a_publishable_key_has_its_two_scopes_alone(api: ApiClient, acorn_key: str) -> None:
    made = api.post(
        "/v1/keys",
        key=acorn_key,
        json={
            "name": "page",
            "kind": "publishable",
            "allowed_origins": ["https://acorn-books.example"],
        },
    ).json()
    assert made["key"].startswith("pk_live_")
    assert set(made["scopes"]) == {"events:write", "recommendations:read"}
    refused = api.post(
        "/v1/keys",
        key=acorn_key,
        json={"name": "page", "kind": "publishable", "scopes": ["models:write"]},
    )
    assert_problem(refused, 400, "invalid_parameter")


def test_nobody_gives_a_scope_they_do_not_have(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    clerk = make_key(acorn, scopes=["settings:write", "catalogue:read"])
    assert api.post("/v1/keys", key=clerk, json={"name": "mine"}).json()["scopes"] == [
        "catalogue:read",
        "settings:write",
    ]
    refused = api.post("/v1/keys", key=clerk, json={"name": "more", "scopes": ["models:write"]})
    assert assert_problem(refused, 403, "insufficient_scope")["scope"] == "models:write"
    full = ApiKey.objects.get(digest=tokens.digest(acorn_key))
    refused = api.post(f"/v1/keys/{full.pk}:rotate", key=clerk, json={})
    assert_problem(refused, 403, "insufficient_scope")


def test_rotation_lets_both_keys_work_for_the_overlap(
    api: ApiClient, clock: FrozenClock, acorn: Environment
) -> None:
    old = make_key(acorn)
    old_id = ApiKey.objects.get(digest=tokens.digest(old)).pk
    answer = api.post(f"/v1/keys/{old_id}:rotate", key=old, json={"overlap_hours": 2})
    assert answer.status_code == 201, answer.content
    new = answer.json()["key"]
    clock.shift(hours=2, seconds=-1)
    assert [api.get("/v1/me", key=each).status_code for each in (old, new)] == [200, 200]
    clock.shift(seconds=2)
    assert [api.get("/v1/me", key=each).status_code for each in (old, new)] == [401, 200]


def test_another_stores_key_is_not_found(api: ApiClient, acorn_key: str, birch_key: str) -> None:
    acorns = ApiKey.objects.get(digest=tokens.digest(acorn_key)).pk
    assert_problem(api.delete(f"/v1/keys/{acorns}", key=birch_key), 404, "not_found")
    assert_problem(api.post(f"/v1/keys/{acorns}:rotate", key=birch_key, json={}), 404, "not_found")
    assert api.get("/v1/me", key=acorn_key).status_code == 200


def test_a_revoked_key_is_gone_from_the_list_and_from_reach(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    victim = ApiKey.objects.get(digest=tokens.digest(make_key(acorn))).pk
    assert api.delete(f"/v1/keys/{victim}", key=acorn_key).status_code == 204
    assert_problem(api.delete(f"/v1/keys/{victim}", key=acorn_key), 404, "not_found")
    listed = api.get("/v1/keys", key=acorn_key).json()["data"]
    assert victim not in [each["id"] for each in listed]


def test_each_decision_is_audited_without_the_secret(api: ApiClient, acorn_key: str) -> None:
    made = api.post("/v1/keys", key=acorn_key, json={"name": "audited"}).json()
    api.delete(f"/v1/keys/{made['id']}", key=acorn_key)
    events = AuditEvent.objects.filter(object=f"api_key:{made['id']}").order_by("pk")
    assert [each.action for each in events] == ["api_key_created", "api_key_revoked"]
    assert all(made["key"] not in str(vars(each)) for each in events)


def test_what_cannot_be_a_key_is_refused(api: ApiClient, acorn_key: str) -> None:
    for body, pointer in [
        ({}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "x", "kind": "root"}, "/kind"),
        ({"name": "x", "scopes": ["everything"]}, "/scopes/0"),
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00"}, "/expires_at"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "x", "allowed_origins": ["https://a.example/path"]}, "/allowed_origins/0"),
        ({"name": "x", "allowed_origins": ["http://["]}, "/allowed_origins/0"),
        ({"name": "x", "allowed_origins": ["http://a℀b.example"]}, "/allowed_origins/0"),
        ({"name": "x", "allowed_origins": ["javascript:alert(1)"]}, "/allowed_origins/0"),
    ]:
        answer = api.post("/v1/keys", key=acorn_key, json=body)
        problem = assert_problem(answer, 400, "invalid_parameter")
        assert problem["errors"][0]["pointer"] == pointer, body
    assert_problem(
        api.post("/v1/keys", key=acorn_key, json={"name": "x", "scope": ["a"]}),
        400,
        "unknown_field",
    )
    assert_problem(api.post("/v1/keys", key=acorn_key, json=[1]), 400, "invalid_parameter")


def test_pages_of_keys_follow_each_other_without_gap_or_repeat(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    for _ in range(4):
        make_key(acorn)
    whole = api.get("/v1/keys", key=acorn_key).json()
    assert (whole["has_more"], whole["next_cursor"]) == (False, None)
    seen: list[str] = []
    query = "?limit=2"
    while query:
        answer = api.get(f"/v1/keys{query}", key=acorn_key).json()
        seen += [each["id"] for each in answer["data"]]
        query = f"?limit=2&cursor={answer['next_cursor']}" if answer["has_more"] else ""
    assert seen == [each["id"] for each in whole["data"]]


def test_listing_keys_is_one_query(api: ApiClient, acorn_key: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    api.get("/v1/me", key=acorn_key)
    with CaptureQueriesContext(connection) as queries:
        api.get("/v1/keys", key=acorn_key)
    assert len([each for each in queries if "SAVEPOINT" not in each["sql"]]) == 1
