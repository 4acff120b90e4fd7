"""The way into the console: a password and a second factor, on its own host, for staff alone."""

from __future__ import annotations

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core.cache import cache
from django.test import Client

from saas.demo.totp import code_of, new_secret
from saas.surfaces import STAFF
from tenants.models.environment import Environment
from tenants.models.person import Person
from tests.people import PORTAL_HOST, STAFF_HOST, logged_in, member


@pytest.fixture
def secret(staff: Person) -> str:
    """The secret of an authenticator app that the person of staff has set up."""
    secret = new_secret()
    TOTP.activate(staff, secret)
    return secret


@pytest.fixture
def browser(database: None) -> Client:
    cache.clear()
    return Client(SERVER_NAME=STAFF_HOST)


def give_password(browser: Client, person: Person, password: str = "battery staple") -> str:
    """Send the first form; return where it leads."""
    answer = browser.post("/login/", {"login": person.email, "password": password})
    return answer.headers.get("Location", "")


def give_code(browser: Client, code: str) -> str:
    answer = browser.post("/second-factor/", {"code": code})
    return answer.headers.get("Location", "")


def test_the_demos_codes_are_those_that_allauth_asks_for(
    browser: Client, staff: Person, secret: str
) -> None:
    assert give_password(browser, staff) == "/second-factor/"
    assert browser.get("/").status_code == 302
    assert give_code(browser, code_of(secret, at=time.time())) == "/"
    assert browser.get("/").status_code == 200


def test_a_wrong_code_lets_nobody_in(browser: Client, staff: Person, secret: str) -> None:
    give_password(browser, staff)
    wrong = f"{(int(code_of(secret, at=time.time())) + 1) % 1_000_000:06d}"
    far = code_of(secret, at=time.time() + 3600)
    for code in (wrong, far, ""):
        assert give_code(browser, code) == ""
    assert browser.get("/").status_code == 302


def test_a_code_is_good_once(browser: Client, staff: Person, secret: str) -> None:
    code = code_of(secret, at=time.time())
    give_password(browser, staff)
    assert give_code(browser, code) == "/"
    second = Client(SERVER_NAME=STAFF_HOST)
    give_password(second, staff)
    assert give_code(second, code) == ""


def test_who_has_no_second_factor_sets_one_up_first(browser: Client, staff: Person) -> None:
    assert give_password(browser, staff) == "/"
    assert browser.get("/").headers["Location"] == "/login/?next=/"
    assert browser.get("/login/?next=/").headers["Location"] == "/second-factor/set-up/"
    again = browser.get("/second-factor/set-up/").headers["Location"]
    assert again.startswith("/password-again/")
    answer = browser.post(again, {"password": "battery staple"})
    assert answer.headers["Location"] == "/second-factor/set-up/"
    page = browser.get("/second-factor/set-up/").content.decode()
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert secret is not None
    code = code_of(secret[1], at=time.time())
    answer = browser.post("/second-factor/set-up/", {"code": code})
    assert answer.headers["Location"] == "/second-factor/codes/"
    codes = browser.get("/second-factor/codes/").content.decode()
    assert len(re.findall(r"<li>\w{8}</li>", codes)) == 10
    assert browser.get("/").status_code == 200


def test_nothing_else_is_open_to_who_has_not_set_it_up(browser: Client, staff: Person) -> None:
    give_password(browser, staff)
    for path in ("/tenants/tenant/", "/search/?s=acorn", "/second-factor/home/", "/jsi18n/"):
        assert browser.get(path).headers["Location"].startswith("/login/"), path
    assert not Authenticator.objects.filter(user=staff).exists()


def test_a_stores_owner_is_told_what_a_wrong_password_is(
    browser: Client, acorn: Environment
) -> None:
    owner = member(acorn.tenant)
    answers = [
        browser.post("/login/", {"login": owner.email, "password": password})
        for password in ("correct horse", "wrong")
    ]
    for answer in answers:
        assert "do not go together" in answer.content.decode()
        assert STAFF.session_cookie not in answer.cookies


def test_a_session_of_the_portal_is_none_here_even_with_a_second_factor(
    browser: Client, staff: Person, secret: str
) -> None:
    portal = Client(SERVER_NAME=PORTAL_HOST)
    second_step = give_password(portal, staff)
    portal.post(second_step, {"code": code_of(secret, at=time.time())})
    assert portal.get("/").status_code == 403
    for name in (STAFF.session_cookie, "portal_session", "sessionid"):
        browser.cookies[name] = portal.cookies["portal_session"].value
    assert browser.get("/").headers["Location"].startswith("/login/")


def test_a_session_with_a_password_alone_begins_anew_once_an_app_is_set_up(
    staff: Person, secret: str
) -> None:
    client = logged_in(staff, host=STAFF_HOST, surface=STAFF)
    assert client.get("/login/").status_code == 200
    assert client.get("/tenants/tenant/").status_code == 302


def test_the_second_factor_is_not_switched_off_here(console: Client, staff: Person) -> None:
    TOTP.activate(staff, new_secret())
    console.post("/second-factor/home/", {})
    assert Authenticator.objects.filter(user=staff).exists()


def test_logging_out_ends_the_session(console: Client) -> None:
    assert console.post("/logout/").headers["Location"] == "/login/"
    assert console.get("/").status_code == 302


def test_staff_have_an_address_that_is_verified(staff: Person) -> None:
    assert EmailAddress.objects.get(user=staff).verified
