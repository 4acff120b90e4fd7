"""Feeds over HTTP: made, watched, changed, run by hand, ended; and what they may not be."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.models.imports import Import
from engine.services import create_feed
from engine.services.create_feed import MAX_FEEDS
from saas.lib import destinations
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.feed import Feed
from tenants.models.job import Job
from tests.api.conftest import ApiClient, assert_problem
from tests.conftest import make_key

# A public address, so that no resolver is asked; nobody calls it.
URL = "https://93.184.215.14/items.csv"


def make(api: ApiClient, key: str, **body: Any) -> Any:
    return api.post("/v1/feeds", key=key, json={"url": URL, "kind": "items", **body})


def jobs() -> int:
    with on_platform():
        return Job.objects.filter(kind="engine.tasks.run_feed", state="queued").count()


def test_a_feed_is_made_shown_and_listed(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    made = make(
        api, acorn_key, format="google_merchant", mode="full", every="6h", mapping={"id": "gtin"}
    )
    body = made.json()
    assert made.status_code == 201, body
    assert made.headers["Location"] == f"/v1/feeds/{body['id']}"
    shown = {name: body[name] for name in ("url", "kind", "format", "mode", "every", "mapping")}
    assert shown == {
        "url": URL,
        "kind": "items",
        "format": "google_merchant",
        "mode": "full",
        "every": "6h",
        "mapping": {"id": "gtin"},
    }
    assert body["last_run"] == {"status": "queued", "started_at": None, "finished_at": None}
    assert (body["last_import"], body["failures"], jobs()) == (None, 0, 1)
    assert api.get(made.headers["Location"], key=acorn_key).json() == body
    assert api.get("/v1/feeds", key=acorn_key).json()["data"] == [body]


def test_a_feed_shows_its_last_run_and_import(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    feed_id = make(api, acorn_key).json()["id"]
    with in_environment(acorn):
        taken = Import.objects.create(
            id="0" * 26,
            kind="items",
            format="auto",
            mode="full",
            dry_run=False,
            status="needs_confirmation",
            created_at="2026-06-01T00:00:00Z",
        )
    with on_platform():
        Feed.objects.filter(pk=feed_id).update(
            import_id=taken.pk,
            run_status="failed",
            run_error_code="fetch_failed",
            run_error="It was away.",
            failures=2,
        )
    body = api.get(f"/v1/feeds/{feed_id}", key=acorn_key).json()
    assert body["last_import"] == {"id": taken.pk, "status": "needs_confirmation"}
    assert body["last_run"]["error"] == {"code": "fetch_failed", "detail": "It was away."}
    assert (body["last_run"]["status"], body["failures"]) == ("failed", 2)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/items.csv",
        "https://user:password@93.184.215.14/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0x7f.1/",
        "https://10.0.0.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00::1]/",
        "https://localhost/",
        "https://93.184.215.14:22/",
        "https://93.184.215.14/" + "a" * 2048,
        "items.csv",
    ],
)
def test_a_url_that_is_not_called_is_refused_when_it_is_sent(
    api: ApiClient, acorn: Environment, acorn_key: str, url: str
) -> None:
    problem = assert_problem(make(api, acorn_key, url=url), 422, "url_not_allowed")
    assert problem["errors"][0]["pointer"] == "/url"
    location = f"/v1/feeds/{make(api, acorn_key).json()['id']}"
    patched = api.patch(location, key=acorn_key, json={"url": url})
    assert_problem(patched, 422, "url_not_allowed")
    assert api.get(location, key=acorn_key).json()["url"] == URL
    assert jobs() == 1


def test_a_name_that_leads_inside_is_refused(
    api: ApiClient, acorn: Environment, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = destinations.Network(resolve=lambda *_: [(socket.AF_INET, ("10.0.0.1", 443))])
    monkeypatch.setattr(
        create_feed, "check_url", lambda url: destinations.check_url(url, network=inside)
    )
    refused = make(api, acorn_key, url="https://shop.example/")
    assert "10.0.0.1" not in assert_problem(refused, 422, "url_not_allowed")["detail"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"url": None}, "invalid_type", "/url"),
        ({"url": 7}, "invalid_type", "/url"),
        ({"kind": "carts"}, "invalid_parameter", "/kind"),
        ({"every": "5m"}, "invalid_parameter", "/every"),
        ({"every": 15}, "invalid_parameter", "/every"),
        ({"format": "xlsx"}, "invalid_parameter", "/format"),
        ({"kind": "events", "format": "shopify"}, "invalid_parameter", "/format"),
        ({"kind": "events", "mode": "full"}, "invalid_parameter", "/mode"),
        ({"timezone": "Mars/Olympus"}, "invalid_parameter", "/timezone"),
        ({"mapping": {"titel": "Name"}}, "invalid_parameter", "/mapping"),
        ({"mapping": [1]}, "invalid_type", "/mapping"),
        ({"intervall": "1h"}, "unknown_field", "/intervall"),
    ],
)
def test_what_a_feed_cannot_be_is_named(
    api: ApiClient, acorn: Environment, acorn_key: str, body: Any, code: str, pointer: str
) -> None:
    answer = make(api, acorn_key, **body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert jobs() == 0


def test_a_change_is_checked_against_what_stays(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    location = make(api, acorn_key, kind="events").headers["Location"]
    for change in ({"mode": "full"}, {"format": "shopify"}, {"mapping": {"title": "Name"}}):
        refused = api.patch(location, key=acorn_key, json=change)
        assert_problem(refused, 400, "invalid_parameter")
    assert_problem(api.patch(location, key=acorn_key, json={"kind": "items"}), 400, "unknown_field")
    changed = api.patch(location, key=acorn_key, json={"every": "15m"})
    assert (changed.status_code, changed.json()["every"]) == (200, "15m")
    assert changed.json()["mapping"] == {}


def test_a_run_by_hand_is_queued_once(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    location = make(api, acorn_key).headers["Location"]
    with on_platform():
        Job.objects.update(state="done", exclusive_key=None)
        Feed.objects.update(run_status="completed")
    for _ in range(2):
        answer = api.post(f"{location}:run", key=acorn_key, json={})
        assert (answer.status_code, answer.headers["Location"]) == (202, location)
        assert answer.json()["last_run"]["status"] == "queued"
    assert jobs() == 1


def test_a_deleted_feed_is_gone(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    location = make(api, acorn_key).headers["Location"]
    assert api.delete(location, key=acorn_key).status_code == 204
    for method, path in [("GET", ""), ("DELETE", ""), ("PATCH", ""), ("POST", ":run")]:
        answer = api.request(method, location + path, key=acorn_key, json={})
        assert_problem(answer, 404, "not_found")


def test_a_key_has_the_feeds_of_what_it_may_send(api: ApiClient, acorn: Environment) -> None:
    items = make_key(acorn, scopes=["catalogue:read", "catalogue:write"])
    events = make_key(acorn, scopes=["events:read", "events:write"])
    location = make(api, items).headers["Location"]
    assert make(api, events, kind="events").status_code == 201
    refused = assert_problem(make(api, items, kind="events"), 403, "insufficient_scope")
    assert refused["scope"] == "events:write"
    for method, path, scope in [
        ("GET", "", "catalogue:read"),
        ("PATCH", "", "catalogue:write"),
        ("DELETE", "", "catalogue:write"),
        ("POST", ":run", "catalogue:write"),
    ]:
        answer = api.request(method, location + path, key=events, json={})
        assert assert_problem(answer, 403, "insufficient_scope")["scope"] == scope
    page = api.get("/v1/feeds", key=events).json()
    assert [each["kind"] for each in page["data"]] == ["events"]


def test_feeds_are_listed_oldest_first_with_two_queries(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    ids = [make(api, acorn_key).json()["id"] for _ in range(3)]
    with CaptureQueriesContext(connection) as queries:
        page = api.get("/v1/feeds?limit=2", key=acorn_key).json()
    asked = [each["sql"] for each in queries if "_feed" in each["sql"] or "_import" in each["sql"]]
    assert len(asked) <= 2
    rest = api.get(f"/v1/feeds?cursor={page['next_cursor']}", key=acorn_key).json()
    assert [each["id"] for each in page["data"] + rest["data"]] == ids


def test_a_store_has_so_many_feeds_and_no_more(
    api: ApiClient, acorn: Environment, acorn_key: str, birch_key: str
) -> None:
    first = make(api, acorn_key).json()
    with on_platform():
        feed = Feed.objects.get(pk=first["id"])
        for number in range(1, MAX_FEEDS):
            feed.pk = f"{number:026}"
            feed.save(force_insert=True)
    assert_problem(make(api, acorn_key), 409, "conflict")
    assert make(api, birch_key).status_code == 201
