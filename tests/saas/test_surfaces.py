"""The portal and the staff console answer on their own hosts, and only there."""

from __future__ import annotations

import pytest
from django.test import Client

from saas.lib.config import config
from saas.surfaces import SurfaceMiddleware
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.person import Member, Person
from tests.people import PORTAL_HOST, STAFF_HOST, at_console, logged_in, member, store_host

pytestmark = pytest.mark.usefixtures("hosts")


@pytest.fixture
def owner(acorn: Environment) -> Person:
    return member(acorn.tenant)


@pytest.fixture
def staff(database: None) -> Person:
    return Person.objects.create_superuser("staff@shelfwise.example", "battery staple")


@pytest.mark.parametrize("by", ["host", "path"])
def test_a_member_logs_in_and_sees_the_own_store(
    owner: Person, acorn: Environment, by: str
) -> None:
    host, prefix = (
        (store_host(acorn.tenant), "/") if by == "host" else (PORTAL_HOST, "/stores/acorn-books/")
    )
    client = Client(SERVER_NAME=host)
    assert client.get(f"{prefix}live/").headers["Location"].startswith(f"{prefix}login/")
    page = client.post(
        f"{prefix}login/?next={prefix}live/",
        {"login": owner.email, "password": "correct horse"},
        follow=True,
    )
    text = page.content.decode()
    assert "Acorn Books" in text
    assert "Birch Shoes" not in text
    assert f'href="{prefix}test/"' in text


def test_links_of_one_request_are_not_those_of_the_next(owner: Person) -> None:
    client = logged_in(owner, host=PORTAL_HOST)
    assert client.get("/stores/acorn-books/live/").status_code == 200
    assert client.get("/").headers["Location"] == "/stores/acorn-books/"
    assert Client(SERVER_NAME=PORTAL_HOST).get("/").headers["Location"] == "/login/?next=/"


@pytest.mark.parametrize("slug", ["birch-shoes", "nobody"])
def test_a_store_of_others_is_not_there(owner: Person, birch: Environment, slug: str) -> None:
    by_path = logged_in(owner, host=PORTAL_HOST)
    by_host = logged_in(owner, host=f"{slug}.stores.localhost")
    for answer in (by_path.get(f"/stores/{slug}/live/"), by_host.get("/live/")):
        assert answer.status_code == 404
        assert "not a member" in answer.content.decode()


def test_a_person_of_several_stores_chooses(owner: Person, birch: Environment) -> None:
    Member.objects.create(person=owner, tenant=birch.tenant, role=Member.Role.ANALYST)
    text = logged_in(owner, host=PORTAL_HOST).get("/").content.decode()
    assert 'href="/stores/acorn-books/"' in text
    assert 'href="/stores/birch-shoes/"' in text


def test_a_wrong_password_is_told_without_saying_which_part_was_wrong(owner: Person) -> None:
    client = Client(SERVER_NAME=PORTAL_HOST)
    page = client.post("/login/", {"login": owner.email, "password": "wrong"})
    assert "do not go together" in page.content.decode()


def test_a_person_without_a_store_is_told_so(staff: Person) -> None:
    answer = logged_in(staff, host=PORTAL_HOST).get("/")
    assert answer.status_code == 403
    assert "not a member" in answer.content.decode()


def test_pages_load_only_what_we_serve_and_are_kept_nowhere(owner: Person) -> None:
    headers = Client(SERVER_NAME=PORTAL_HOST).get("/login/").headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]


def test_a_session_of_the_portal_is_none_on_the_staff_console(staff: Person) -> None:
    portal = logged_in(staff, host=PORTAL_HOST)
    session = portal.cookies["portal_session"].value
    console = Client(SERVER_NAME=STAFF_HOST)
    for name in ("portal_session", "sessionid"):
        console.cookies[name] = session
    assert console.get("/tenants/tenant/").status_code == 302


def test_staff_see_every_tenant(staff: Person, birch: Environment) -> None:
    text = at_console(staff).get("/tenants/tenant/").content.decode()
    assert "Acorn Books" in text
    assert "Birch Shoes" in text


@pytest.mark.parametrize(
    "path", ["/tenants/tenant/", "/tenants/job/", "/tenants/auditevent/", "/billing/usagebucket/"]
)
def test_a_tenants_member_gets_nowhere_in_the_staff_console(
    owner: Person, staff: Person, path: str
) -> None:
    assert at_console(owner).get(path).status_code == 302
    assert at_console(staff).get(path).status_code == 200


@pytest.mark.parametrize("path", ["/login/", "/tenants/tenant/", "/stores/acorn-books/live/"])
def test_the_apis_host_serves_neither(database: None, path: str) -> None:
    answer = Client(SERVER_NAME="localhost").get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_no_host_is_given_away_when_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    unnamed = config().model_copy(
        update={"portal_host": None, "portal_domain": None, "staff_host": None}
    )
    monkeypatch.setattr("saas.surfaces.config", lambda: unnamed)
    middleware = SurfaceMiddleware(lambda request: None)  # type: ignore[arg-type, return-value]
    assert not middleware._surfaces
    with on_platform():
        for host in (PORTAL_HOST, STAFF_HOST, "acorn-books.stores.localhost"):
            assert Client(SERVER_NAME=host).get("/login/").status_code == 404
