"""The page of the API keys: each new one is shown once, and only to those who may have it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.context import on_platform
from tenants.models.api_key import ApiKey
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tests.conftest import make_key
from tests.people import visitor

NEW_SECRET = "/keys/test/new/secret/"
NEW_PUBLISHABLE = "/keys/live/new/publishable/"
KEY = re.compile(r"[sp]k_(?:live|test)_[0-9A-Za-z]{36}")


def row_of(text: str) -> ApiKey:
    with on_platform():
        return ApiKey.objects.get(last_four=text[-4:], prefix=text[:12])


def last_deed(environment: Environment) -> AuditEvent:
    with on_platform():
        return AuditEvent.objects.filter(tenant=environment.tenant).latest("pk")


def test_a_new_key_is_shown_this_once(acorn_test: Environment) -> None:
    client = visitor(acorn_test.tenant, "developer")
    asked = {"name": "checkout", "scopes": ["events:write", "catalogue:read"], "expires": "30"}
    answer = client.post(NEW_SECRET, asked)
    (text,) = KEY.findall(answer.content.decode())
    assert answer.headers["Cache-Control"] == "no-store"
    key = row_of(text)
    assert key.environment_id == acorn_test.pk
    assert key.scopes == ["catalogue:read", "events:write"]
    assert key.expires_at is not None
    assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=31)
    assert last_deed(acorn_test).actor == "person:developer@acorn-books.example"
    listed = client.get("/keys/").content.decode()
    assert "checkout" in listed
    assert f"{text[:12]}…{text[-4:]}" in listed
    assert text not in listed


def test_a_key_for_pages_knows_its_origins(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    asked = {"name": "shop", "origins": "https://b.example\nhttps://a.example", "expires": ""}
    (text,) = KEY.findall(client.post(NEW_PUBLISHABLE, asked).content.decode())
    key = row_of(text)
    assert key.allowed_origins == ["https://a.example", "https://b.example"]
    assert key.scopes == ["events:write", "recommendations:read"]
    assert key.expires_at is None


@pytest.mark.parametrize(
    ("path", "asked", "sentence"),
    [
        (NEW_PUBLISHABLE, {"name": "shop", "origins": "shop.example"}, "is no origin"),
        (NEW_PUBLISHABLE, {"name": "shop", "origins": "https://shop.example/a"}, "is no origin"),
        (NEW_PUBLISHABLE, {"name": "shop", "origins": ""}, "This field is required"),
        (NEW_SECRET, {"name": "", "scopes": ["events:write"]}, "This field is required"),
        (NEW_SECRET, {"name": "x" * 101, "scopes": ["events:write"]}, "at most 100 characters"),
        (NEW_SECRET, {"name": "shop"}, "Choose at least one"),
        (NEW_SECRET, {"name": "shop", "scopes": ["everything"]}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    acorn: Environment, path: str, asked: dict[str, object], sentence: str
) -> None:
    answer = visitor(acorn.tenant).post(path, asked)
    assert sentence in answer.content.decode()
    assert not KEY.search(answer.content.decode())


def test_rotating_shows_a_new_key_and_lets_the_old_one_end(acorn: Environment) -> None:
    old = row_of(make_key(acorn))
    client = visitor(acorn.tenant)
    assert old.name in client.get(f"/keys/live/{old.pk}/rotate/").content.decode()
    answer = client.post(f"/keys/live/{old.pk}/rotate/", {"overlap": "1"})
    (text,) = KEY.findall(answer.content.decode())
    assert row_of(text).scopes == old.scopes
    with on_platform():
        old.refresh_from_db()
    assert old.expires_at is not None
    assert old.expires_at < timezone.now() + timedelta(hours=1)
    assert "expires soon" in client.get("/keys/").content.decode()


def test_revoking_asks_first(acorn: Environment) -> None:
    key = row_of(make_key(acorn))
    client = visitor(acorn.tenant)
    assert "cannot be undone" in client.get(f"/keys/live/{key.pk}/revoke/").content.decode()
    answer = client.post(f"/keys/live/{key.pk}/revoke/", follow=True)
    assert "is revoked" in answer.content.decode()
    with on_platform():
        key.refresh_from_db()
    assert key.revoked_at is not None
    assert client.post(f"/keys/live/{key.pk}/revoke/").status_code == 404
    assert client.get(f"/keys/live/{key.pk}/revoke/").status_code == 404


@pytest.mark.parametrize("deed", ["rotate", "revoke"])
def test_another_stores_or_environments_key_is_not_there(
    acorn: Environment, acorn_test: Environment, birch: Environment, deed: str
) -> None:
    client = visitor(acorn.tenant)
    for environment in (birch, acorn_test):
        key = row_of(make_key(environment))
        assert client.get(f"/keys/live/{key.pk}/{deed}/").status_code == 404
        client.post(f"/keys/live/{key.pk}/{deed}/", {"overlap": "1"})
        with on_platform():
            key.refresh_from_db()
        assert (key.revoked_at, key.expires_at) == (None, None)


@pytest.mark.parametrize("role", ["analyst", "finance"])
@pytest.mark.parametrize("path", ["/keys/", NEW_SECRET, NEW_PUBLISHABLE])
def test_others_have_no_right_to_keys(acorn: Environment, role: str, path: str) -> None:
    client = visitor(acorn.tenant, role)
    assert client.get(path).status_code == 403
    answer = client.post(path, {"name": "mine", "scopes": ["events:write"]})
    assert answer.status_code == 403
    assert not KEY.search(answer.content.decode())


def test_the_page_asks_as_often_for_many_keys_as_for_few(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    for _ in range(10):
        make_key(acorn)
    with CaptureQueriesContext(connection) as asked:
        client.get("/keys/")
    assert len([each for each in asked if "tenants_apikey" in each["sql"]]) == 4
    assert len(asked) <= 16
