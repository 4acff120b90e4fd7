"""The one OpenAPI document, its pages, and the list of error codes."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import validate

from api.inference.requests import REQUEST_TYPES
from api.v1.documented_errors import error_kinds
from api.v1.openapi import openapi_document
from saas.lib.errors import ShelfwiseError
from tests.api.conftest import ApiClient


def test_the_document_is_valid_openapi_3_1(api: ApiClient) -> None:
    answer = api.get("/v1/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_the_document_holds_both_services(api: ApiClient) -> None:
    paths = api.get("/v1/openapi.json").json()["paths"]
    assert {"/v1/auth/token", "/v1/me", "/v1/keys", "/v1/keys/{key_id}:rotate"} <= paths.keys()
    calls = {f"/v1/recommend/{name}" for name in REQUEST_TYPES}
    assert calls | {"/v1/recommend:batch", "/v1/explain"} <= paths.keys()


def test_every_call_says_how_it_fails_and_who_may_make_it(api: ApiClient) -> None:
    document = api.get("/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"get", "post", "put", "patch", "delete"}:
            operation = operations[method]
            assert {"400", "429", "500", "503"} <= operation["responses"].keys(), path
            is_public = path in {"/v1/auth/token", "/.well-known/jwks.json"}
            assert ("security" not in operation) == is_public, path
            assert operation.get("description"), (method, path)


def test_every_view_describes_its_answer(capsys: pytest.CaptureFixture[str]) -> None:
    openapi_document.cache_clear()
    openapi_document()
    assert capsys.readouterr().err == ""


def test_every_code_is_listed_where_a_problem_points(api: ApiClient) -> None:
    page = api.get("/docs/errors").content.decode()
    listed = re.findall(r'<tr id="(\w+)">', page)
    assert set(listed) == {kind.code for kind in error_kinds()}
    assert {"invalid_token", "storage_unavailable", "rows_rejected"} <= set(listed)
    assert ShelfwiseError not in error_kinds()


def test_no_code_has_two_meanings() -> None:
    codes = [kind.code for kind in error_kinds()]
    assert sorted(codes) == sorted(set(codes))


def test_the_pages_load_nothing_from_elsewhere(api: ApiClient) -> None:
    for path in ("/docs", "/docs/errors"):
        page = api.get(path)
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.content.decode())
    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', api.get("/docs").content.decode())
    assert len(assets) >= 3
    for asset in assets:
        file = api.get(asset)
        file.close()
        assert file.status_code == 200, asset


def test_answers_have_the_members_that_the_document_names(api: ApiClient, acorn_key: str) -> None:
    schemas = api.get("/v1/openapi.json").json()["components"]["schemas"]
    item = {"title": "A", "price": "1.50", "currency": "EUR"}
    event = {"type": "view", "session_id": "s", "item_id": "a"}
    answers = {
        "Item": api.put("/v1/items/a", key=acorn_key, json=item),
        "ItemPage": api.get("/v1/items", key=acorn_key),
        "WriteAnswer": api.post("/v1/items:batch", key=acorn_key, json={"items": []}),
        "User": api.patch("/v1/users/u", key=acorn_key, json={"attributes": {"a": 1}}),
        "IngestAnswer": api.post("/v1/events", key=acorn_key, json=event),
        "EventPage": api.get("/v1/events", key=acorn_key),
        "Key": api.post("/v1/keys", key=acorn_key, json={"name": "x"}),
        "CallerAnswer": api.get("/v1/me", key=acorn_key),
        "RunPage": api.get("/v1/training-runs", key=acorn_key),
        "ModelPage": api.get("/v1/models", key=acorn_key),
        "ReadinessByTypeAnswer": api.get("/v1/readiness", key=acorn_key),
        "DataQualityAnswer": api.get("/v1/data-quality", key=acorn_key),
        "SettingsAnswer": api.get("/v1/settings", key=acorn_key),
        "AttributePage": api.get("/v1/attributes", key=acorn_key),
    }
    named = {"Item": "ItemAnswer", "User": "UserAnswer", "Key": "NewKeyAnswer"}
    for name, answer in answers.items():
        assert answer.status_code < 300, answer.content
        properties = schemas[named.get(name, name)]["properties"]
        assert answer.json().keys() <= properties.keys(), name


def test_the_pages_run_and_style_nothing_that_stands_in_them(api: ApiClient) -> None:
    for path in ("/docs", "/docs/errors"):
        page = api.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert not re.findall(r"<style|<script>| style=| on\w+=", page.content.decode())
    script = api.get("/docs?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "/v1/openapi.json" in script.content.decode()
