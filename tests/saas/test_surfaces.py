"""The portal and the staff console answer on their own hosts, and only there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from saas.lib.config import config
from saas.surfaces import SurfaceMiddleware
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.person import Member, Person

PORTAL, STAFF = "portal.localhost", "staff.localhost"


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two hosts, named as a deployment names them."""
    named = config().model_copy(update={"portal_host": PORTAL, "staff_host": STAFF})
    monkeypatch.setattr("saas.surfaces.config", lambda: named)


@pytest.fixture(autouse=True)
def quick_hashes() -> Iterator[None]:
    """Passwords that need not resist anybody."""
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher"
    with override_settings(PASSWORD_HASHERS=[hasher]):
        yield


@pytest.fixture
def owner(acorn: Environment) -> Person:
    person = Person.objects.create_user("owner@acorn-books.example", "correct horse")
    Member.objects.create(person=person, tenant=acorn.tenant, role=Member.Role.OWNER)
    return person


@pytest.fixture
def staff(database: None) -> Person:
    return Person.objects.create_superuser("staff@shelfwise.example", "battery staple")


def test_a_member_logs_in_and_sees_the_own_store(owner: Person) -> None:
    client = Client(SERVER_NAME=PORTAL)
    assert client.get("/").headers["Location"].startswith("/login/")
    page = client.post(
        "/login/", {"username": owner.email, "password": "correct horse"}, follow=True
    )
    text = page.content.decode()
    assert "Acorn Books" in text
    assert "Birch Shoes" not in text
    assert "No model is live yet" in text


def test_a_wrong_password_is_told_without_saying_which_part_was_wrong(owner: Person) -> None:
    client = Client(SERVER_NAME=PORTAL)
    page = client.post("/login/", {"username": owner.email, "password": "wrong"})
    assert "do not go together" in page.content.decode()


def test_a_person_without_a_store_is_told_so(staff: Person) -> None:
    client = Client(SERVER_NAME=PORTAL)
    client.force_login(staff)
    answer = client.get("/")
    assert answer.status_code == 403
    assert "not a member" in answer.content.decode()


def test_pages_load_only_what_we_serve(owner: Person) -> None:
    policy = Client(SERVER_NAME=PORTAL).get("/login/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_staff_see_every_tenant(staff: Person, birch: Environment) -> None:
    client = Client(SERVER_NAME=STAFF)
    client.force_login(staff)
    text = client.get("/tenants/tenant/").content.decode()
    assert "Acorn Books" in text
    assert "Birch Shoes" in text


@pytest.mark.parametrize(
    "path", ["/tenants/tenant/", "/tenants/job/", "/tenants/auditevent/", "/billing/usagebucket/"]
)
def test_a_tenants_member_gets_nowhere_in_the_staff_console(owner: Person, path: str) -> None:
    client = Client(SERVER_NAME=STAFF)
    client.force_login(owner)
    assert client.get(path).status_code == 302
    client.force_login(Person.objects.create_superuser("staff@shelfwise.example", "x"))
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/login/", "/tenants/tenant/"])
def test_the_apis_host_serves_neither(database: None, path: str) -> None:
    answer = Client(SERVER_NAME="localhost").get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_no_host_is_given_away_when_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    unnamed = config().model_copy(update={"portal_host": None, "staff_host": None})
    monkeypatch.setattr("saas.surfaces.config", lambda: unnamed)
    middleware = SurfaceMiddleware(lambda request: None)  # type: ignore[arg-type, return-value]
    assert set(middleware._urlconfs) <= {None}
    with on_platform():
        assert Client(SERVER_NAME=PORTAL).get("/login/").status_code == 404
