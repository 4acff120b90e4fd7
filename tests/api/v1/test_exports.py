"""Exports over HTTP: asked for, watched, fetched over a link that needs no key."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.downloads import send_download
from engine import tasks
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.request_export import MAX_UNFINISHED
from saas.lib.download_links import KEPT, LINK_LIVES
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.models.job import Job
from tests.api.conftest import ApiClient, assert_problem
from tests.conftest import make_key


@pytest.fixture(autouse=True)
def no_files(acorn: Environment) -> Iterator[None]:
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


def ask(api: ApiClient, key: str, **body: Any) -> Any:
    return api.post("/v1/exports", key=key, json={"kind": "items", **body})


def run(environment: Environment) -> None:
    with on_platform():
        jobs = Job.objects.filter(kind="engine.tasks.run_export", state="queued")
        for job_id in list(jobs.values_list("pk", flat=True)):
            tasks.run_export(job_id=job_id, environment_id=environment.pk)


def fetch(url: str) -> httpx.Response:
    async def call() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(send_download)) as client:
            return await client.get(url)

    return asyncio.run(call())


def test_an_export_is_asked_for_written_and_fetched(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    api.put("/v1/items/lamp", key=acorn_key, json={"title": "Lamp"})
    asked = ask(api, acorn_key)
    body = asked.json()
    assert (asked.status_code, body["status"], body["progress"]) == (202, "queued", 0)
    assert asked.headers["Location"] == f"/v1/exports/{body['id']}"
    assert "download_url" not in body
    run(acorn)
    shown = api.get(asked.headers["Location"], key=acorn_key)
    assert shown.headers["Cache-Control"] == "no-store"
    body = shown.json()
    assert (body["status"], body["progress"], body["rows_written"]) == ("completed", 1, 1)
    assert body["download_url"].startswith("http://testserver/v1/downloads/")
    assert body["expires_at"].endswith("Z")
    file = fetch(body["download_url"])
    assert file.status_code == 200
    assert file.text.splitlines()[1].startswith("lamp,Lamp,")
    assert file.headers["Content-Disposition"] == 'attachment; filename="items.csv"'


def test_a_link_ends_and_a_look_makes_another_until_the_file_goes(
    api: ApiClient, acorn: Environment, acorn_key: str, clock: Any
) -> None:
    location = ask(api, acorn_key).headers["Location"]
    with on_platform():
        # The database's clock is not frozen.
        Job.objects.update(run_after=timezone.now() - timedelta(days=365))
    run(acorn)
    first = api.get(location, key=acorn_key).json()
    clock.shift(seconds=LINK_LIVES.total_seconds())
    assert fetch(first["download_url"]).status_code == 404
    second = api.get(location, key=acorn_key).json()
    assert fetch(second["download_url"]).status_code == 200
    clock.shift(seconds=KEPT.total_seconds())
    gone = api.get(location, key=acorn_key).json()
    assert gone["status"] == "expired"
    assert "download_url" not in gone


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"kind": "users"}, "invalid_parameter", "/kind"),
        ({"format": "xlsx"}, "invalid_parameter", "/format"),
        ({"user": "all"}, "unknown_field", "/user"),
        ({"users": "all"}, "invalid_parameter", "/users"),
        ({"limit": 5}, "invalid_parameter", "/limit"),
        ({"kind": "recommendations", "users": "some"}, "invalid_parameter", "/users"),
        ({"kind": "recommendations", "users": []}, "invalid_parameter", "/users"),
        ({"kind": "recommendations", "users": ["ada", 7]}, "invalid_parameter", "/users"),
        ({"kind": "recommendations", "users": ["a"] * 10_001}, "invalid_parameter", "/users"),
        ({"kind": "recommendations", "limit": 101}, "invalid_parameter", "/limit"),
    ],
)
def test_what_cannot_be_exported_is_named(
    api: ApiClient,
    acorn: Environment,
    acorn_key: str,
    body: dict[str, Any],
    code: str,
    pointer: str,
) -> None:
    problem = assert_problem(ask(api, acorn_key, **body), 400, code)
    assert problem["errors"][0]["pointer"] == pointer
    if body == {"kind": "users"}:
        assert "'users' cannot be exported; send items, events or" in str(problem)


def test_recommendations_need_a_model_and_a_key_that_may_ask_for_them(
    api: ApiClient, acorn: Environment
) -> None:
    asked = {"kind": "recommendations", "users": ["ada", "bob", "ada"], "limit": 5}
    refused = assert_problem(
        ask(api, make_key(acorn, scopes=["catalogue:read"]), **asked), 403, "insufficient_scope"
    )
    assert refused["scope"] == "recommendations:read"
    # A page may recommend, but not for every user of the store.
    page = make_key(acorn, kind="publishable")
    assert_problem(ask(api, page, **asked), 403, "insufficient_scope")
    key = make_key(acorn, scopes=["recommendations:read"])
    assert "train one first" in assert_problem(ask(api, key, **asked), 409, "conflict")["detail"]
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(live_version="01K")
    body = ask(api, key, **asked).json()
    export = Export.objects.get(pk=body["id"])
    assert (export.user_ids, export.list_length) == (["ada", "bob"], 5)


def test_a_key_exports_what_it_may_read(api: ApiClient, acorn: Environment) -> None:
    items, events = (make_key(acorn, scopes=[f"{name}:read"]) for name in ("catalogue", "events"))
    assert ask(api, items).status_code == 202
    location = ask(api, events, kind="events").headers["Location"]
    assert assert_problem(ask(api, events), 403, "insufficient_scope")["scope"] == "catalogue:read"
    refused = assert_problem(api.get(location, key=items), 403, "insufficient_scope")
    assert refused["scope"] == "events:read"
    for key, kind in [(items, "items"), (events, "events")]:
        page = api.get("/v1/exports", key=key).json()
        assert [each["kind"] for each in page["data"]] == [kind]


def test_exports_are_listed_newest_first_with_one_query(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    ids = [ask(api, acorn_key).json()["id"] for _ in range(3)]
    with CaptureQueriesContext(connection) as queries:
        page = api.get("/v1/exports?limit=2", key=acorn_key).json()
    assert len([each for each in queries if "tenants_export" in each["sql"]]) == 1
    rest = api.get(f"/v1/exports?cursor={page['next_cursor']}", key=acorn_key).json()
    assert sorted(ids, reverse=True) == [each["id"] for each in page["data"] + rest["data"]]


def test_a_store_cannot_queue_exports_without_end(
    api: ApiClient, acorn: Environment, acorn_key: str, birch_key: str
) -> None:
    for _ in range(MAX_UNFINISHED):
        assert ask(api, acorn_key).status_code == 202
    assert_problem(ask(api, acorn_key), 409, "conflict")
    assert ask(api, birch_key).status_code == 202
    with on_platform():
        Export.objects.filter(environment=acorn).update(status="failed")
    assert ask(api, acorn_key).status_code == 202
