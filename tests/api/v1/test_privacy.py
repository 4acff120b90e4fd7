"""/v1/privacy: erasures with their receipts, exports with their files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from engine.jobs import PERSONAL_EXPORT_JOB
from engine.services.remove_old_artifacts import artifacts_of
from saas.lib.download_links import LINK_PATH, download_of
from tenants.models.environment import Environment
from tests.api.conftest import ApiClient, assert_problem
from tests.conftest import make_key
from tests.engine.model_versions import add_version
from tests.engine.privacy import at, merge, run_jobs, take_in, view
from tests.engine.statements import tenant_statements
from tests.webhooks import make_webhook, told

REQUESTS = "/v1/privacy/requests"


@pytest.fixture(autouse=True)
def no_files(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database."""
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


def ask(api: ApiClient, key: str, what: str, **whom: Any) -> Any:
    answer = api.post(f"/v1/privacy/{what}", json=whom, key=key)
    assert answer.status_code == 202, answer.content
    assert answer.headers["Location"] == f"{REQUESTS}/{answer.json()['id']}"
    return answer.json()


def show(api: ApiClient, key: str, request: dict[str, Any]) -> Any:
    return api.get(f"{REQUESTS}/{request['id']}", key=key).json()


def test_an_erasure_is_answered_with_a_receipt_that_fills(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    take_in(acorn, view(0, user_id="ada"), view(1, anonymous_id="tab", user_id="ada"))
    request = ask(api, acorn_key, "erase", user_id="ada")
    assert (request["kind"], request["status"]) == ("erase", "queued")
    assert request["removed"] == {"users": 1, "anonymous_ids": 1, "identity_links": 1}
    run_jobs(acorn)
    receipt = show(api, acorn_key, request)
    assert (receipt["status"], receipt["removed"]["events"]) == ("completed", 2)
    assert receipt["finished_at"] >= receipt["created_at"]
    assert "ada" not in str(receipt)
    assert "tab" not in str(receipt)
    assert api.get("/v1/events?user_id=ada", key=acorn_key).json()["data"] == []
    assert_problem(api.get("/v1/users/ada", key=acorn_key), 404, "not_found")


def test_a_receipt_names_the_models_that_have_read_the_user_and_no_others(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    known = add_version(acorn, day=1)
    add_version(acorn, day=2, change_seq=1_000_000)
    add_version(acorn, day=3, artifact_removed_at=at(0))
    request = ask(api, acorn_key, "erase", user_id="ada")
    (version,) = show(api, acorn_key, request)["model_versions"]
    assert version["version"] == known
    assert version["until"] > request["created_at"]


def test_an_export_holds_everything_that_the_store_has(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    api.patch(
        "/v1/users/ada",
        json={"attributes": {"city": "Ulm"}, "personalise": False},
        key=acorn_key,
    )
    take_in(
        acorn,
        view(0, anonymous_id="tab"),
        view(1, anonymous_id="tab", user_id="ada", context={"page": "/"}),
        view(3, anonymous_id="tab"),
        view(4, user_id="ben"),
    )
    merge(acorn, "tab", "ben", hours=2)
    make_webhook(acorn)
    request = ask(api, acorn_key, "export", user_id="ada")
    assert "download_url" not in request
    run_jobs(acorn, PERSONAL_EXPORT_JOB)
    shown = show(api, acorn_key, request)
    assert (shown["status"], "removed" in shown) == ("completed", False)
    assert told(acorn) == [("privacy.completed", {"id": request["id"], "kind": "export"})]
    download = download_of(shown["download_url"].partition(LINK_PATH)[2])
    assert download is not None
    content = orjson.loads(download.path.read_bytes())
    assert content["user_id"] == "ada"
    (profile,) = content["profiles"]
    assert (profile["id"], profile["attributes"]) == ("ada", {"city": "Ulm"})
    assert profile["consent"] == {"personalise": False}
    assert content["identity_links"] == [
        {
            "anonymous_id": "tab",
            "user_id": "ada",
            "from": None,
            "until": "2026-06-01T14:00:00Z",
        }
    ]
    assert [event["ts"] for event in content["events"]] == [
        "2026-06-01T12:00:00Z",
        "2026-06-01T13:00:00Z",
    ]
    assert content["events"][1]["context"] == {"page": "/"}


def test_an_erasure_removes_the_users_exports_and_no_others(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    take_in(acorn, view(0, user_id="ada"), view(0, user_id="ben"))
    exports = [ask(api, acorn_key, "export", user_id=name) for name in ("ada", "ben")]
    run_jobs(acorn, PERSONAL_EXPORT_JOB)
    links = [show(api, acorn_key, each)["download_url"] for each in exports]
    files = [download_of(link.partition(LINK_PATH)[2]) for link in links]
    request = ask(api, acorn_key, "erase", user_id="ada")
    run_jobs(acorn)
    assert show(api, acorn_key, request)["removed"]["files"] == 1
    assert [file is not None and file.path.exists() for file in files] == [False, True]


def test_an_export_of_nobody_is_an_empty_one(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    request = ask(api, acorn_key, "export", anonymous_id="eve")
    run_jobs(acorn, PERSONAL_EXPORT_JOB)
    link = show(api, acorn_key, request)["download_url"]
    download = download_of(link.partition(LINK_PATH)[2])
    assert download is not None
    content = orjson.loads(download.path.read_bytes())
    assert (content["profiles"], content["identity_links"], content["events"]) == ([], [], [])


def test_the_list_takes_as_many_queries_for_many_requests_as_for_one(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    add_version(acorn, day=1)
    first = ask(api, acorn_key, "erase", user_id="ada")
    with tenant_statements() as few:
        api.get(REQUESTS, key=acorn_key)
    second = ask(api, acorn_key, "export", user_id="ben")
    third = ask(api, acorn_key, "erase", anonymous_id="tab")
    with tenant_statements() as many:
        page = api.get(f"{REQUESTS}?limit=2", key=acorn_key).json()
    assert len(many) == len(few) == 2
    assert [row["id"] for row in page["data"]] == [third["id"], second["id"]]
    rest = api.get(f"{REQUESTS}?cursor={page['next_cursor']}", key=acorn_key).json()
    assert [row["id"] for row in rest["data"]] == [first["id"]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_parameter"),
        ({"user_id": "ada", "anonymous_id": "tab"}, "invalid_parameter"),
        ({"user_id": ""}, "invalid_parameter"),
        ({"user_id": None}, "invalid_parameter"),
        ({"user_id": 7}, "invalid_parameter"),
        ({"user_id": "a" * 257}, "invalid_parameter"),
        ({"user": "ada"}, "unknown_field"),
        ([], "invalid_parameter"),
    ],
)
@pytest.mark.parametrize("what", ["erase", "export"])
def test_a_request_names_one_shopper(
    api: ApiClient, acorn_key: str, what: str, body: Any, code: str
) -> None:
    assert_problem(api.post(f"/v1/privacy/{what}", json=body, key=acorn_key), 400, code)


def test_a_repeated_request_erases_once(api: ApiClient, acorn_key: str) -> None:
    sent = {"key": acorn_key, "headers": {"Idempotency-Key": "k"}}
    first = api.post("/v1/privacy/erase", json={"user_id": "ada"}, **sent)
    again = api.post("/v1/privacy/erase", json={"user_id": "ada"}, **sent)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert len(api.get(REQUESTS, key=acorn_key).json()["data"]) == 1


def test_only_a_server_with_the_scope_may_ask(api: ApiClient, acorn: Environment) -> None:
    other = make_key(acorn, scopes=["catalogue:write", "events:write"])
    page = make_key(acorn, kind="publishable", scopes=["privacy:write"])
    for key in (other, page):
        for path in ("/v1/privacy/erase", "/v1/privacy/export"):
            answer = api.post(path, json={"user_id": "ada"}, key=key)
            assert_problem(answer, 403, "insufficient_scope")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/events", view(0, user_id="ada")),
        ("/v1/events", {"events": [view(0, user_id="ada", event_id="e1")]}),
        (
            "/v1/collect/segment",
            {
                "type": "track",
                "event": "Product Viewed",
                "userId": "ada",
                "timestamp": at(0).isoformat(),
                "properties": {"product_id": "lamp"},
            },
        ),
        (
            "/v1/collect/ga4",
            {
                "client_id": "tab",
                "user_id": "ada",
                "timestamp_micros": int(at(0).timestamp() * 1_000_000),
                "events": [{"name": "view_item", "params": {"items": [{"item_id": "lamp"}]}}],
            },
        ),
    ],
)
def test_no_way_in_brings_back_what_was_erased(
    api: ApiClient, acorn: Environment, acorn_key: str, path: str, body: Any
) -> None:
    assert api.post(path, json=body, key=acorn_key).status_code == 202
    ask(api, acorn_key, "erase", user_id="ada")
    # What waits for its removal is nobody's.
    (event,) = api.get("/v1/events", key=acorn_key).json()["data"]
    assert (event["user_id"], event["anonymous_id"]) == (None, None)
    run_jobs(acorn)
    refused = assert_problem(api.post(path, json=body, key=acorn_key), 422, "rows_rejected")
    assert [error["code"] for error in refused["errors"]] == ["user_erased"]
    assert api.get("/v1/events", key=acorn_key).json()["data"] == []


def test_an_unknown_request_is_not_found(api: ApiClient, acorn_key: str) -> None:
    assert_problem(api.get(f"{REQUESTS}/none", key=acorn_key), 404, "not_found")
