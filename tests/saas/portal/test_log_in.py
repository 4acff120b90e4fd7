"""Log-in: by address and password, a second factor where one is set, and nothing to be learned."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.core.cache import cache
from django.test import Client

from saas.portal.accounts import FAILED_ANYWHERE
from saas.surfaces import PORTAL
from tenants.models.environment import Environment
from tenants.models.person import Person
from tests.mails import sent_mails
from tests.people import PORTAL_HOST, logged_in, member, store_host

PASSWORD = "correct horse"


@pytest.fixture
def owner(acorn: Environment) -> Person:
    return member(acorn.tenant)


@pytest.fixture
def browser(database: None) -> Client:
    return Client(SERVER_NAME=PORTAL_HOST)


def log_in(browser: Client, email: str, password: str = PASSWORD, **more: Any) -> str:
    """Send the form and return what the last page says."""
    fields = {"login": email, "password": password}
    return text_of(browser.post("/login/", fields, follow=True, **more))


def text_of(answer: Any) -> str:
    """A page without what differs each time."""
    page: str = answer.content.decode()
    return re.sub(r"[A-Za-z0-9]{64}", "token", page)


def code_of(secret: str) -> str:
    """What an authenticator app shows now."""
    shown: str = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    return shown


def link_in(message: mail.EmailMessage) -> str:
    """The path of the one link in a mail."""
    found = re.findall(r"http://[^/\s]+(/\S+)", str(message.body))
    assert len(found) == 1, message.body
    return str(found[0])


def set_up_app(browser: Client) -> str:
    """Set up an authenticator app as a person does, and return its secret."""
    asked = browser.get("/second-factor/totp/activate/")
    page = browser.post(asked.headers["Location"], {"password": PASSWORD}, follow=True)
    assert_clean(page)
    secret = re.search(r"<code>([A-Z2-7]+)</code>", page.content.decode())
    assert secret is not None, page.content.decode()
    done = browser.post(
        "/second-factor/totp/activate/", {"code": code_of(secret.group(1))}, follow=True
    )
    assert "Your recovery codes" in done.content.decode()
    return secret.group(1)


def test_a_person_logs_in_and_out(browser: Client, owner: Person) -> None:
    assert "Log out" in log_in(browser, owner.email.upper())
    assert PORTAL.session_cookie in browser.cookies
    browser.post("/logout/")
    assert browser.get("/").headers["Location"].startswith("/login/")


def test_a_wrong_password_and_an_unknown_address_are_told_alike(
    browser: Client, owner: Person
) -> None:
    wrong = log_in(browser, owner.email, "wrong")
    unknown = log_in(browser, "nobody@acorn-books.example", "wrong")
    for page in (wrong, unknown):
        assert "do not go together" in page
    assert wrong.replace(owner.email, "") == unknown.replace("nobody@acorn-books.example", "")


def test_a_new_password_is_mailed_to_who_has_an_account_and_told_to_nobody(
    browser: Client, owner: Person
) -> None:
    pages = [
        text_of(browser.post("/password/reset/", {"email": email}, follow=True))
        for email in (owner.email, "nobody@acorn-books.example")
    ]
    assert pages[0] == pages[1]
    known, unknown = sent_mails()
    assert known.to == [owner.email]
    assert "Nobody logs in" in unknown.subject

    form = browser.get(link_in(known), follow=True)
    new = "battery staple 7"
    fields = {"password1": new, "password2": new}
    browser.post(form.redirect_chain[-1][0], fields)
    assert "do not go together" in log_in(browser, owner.email)
    assert "Log out" in log_in(browser, owner.email, new)
    again = Client(SERVER_NAME=PORTAL_HOST).get(link_in(known), follow=True)
    assert "This link has ended" in text_of(again)


def test_nobody_is_buried_in_mails(browser: Client, owner: Person) -> None:
    for _ in range(7):
        browser.post("/password/reset/", {"email": owner.email})
    assert len(sent_mails()) == 5


def test_mails_name_the_store_whose_page_asked(owner: Person, acorn: Environment) -> None:
    browser = Client(SERVER_NAME=store_host(acorn.tenant))
    browser.post("/password/reset/", {"email": owner.email})
    (sent,) = sent_mails()
    assert "Shelfwise, for Acorn Books" in sent.body
    assert f"http://{store_host(acorn.tenant)}/password/reset/" in sent.body


def test_an_address_is_verified_before_it_opens_anything(browser: Client, owner: Person) -> None:
    EmailAddress.objects.filter(user=owner).update(verified=False)
    assert "Look into your mail" in log_in(browser, owner.email)
    assert "/login/" in browser.get("/").headers["Location"]
    link = link_in(sent_mails()[0])
    page = browser.get(link)
    assert "Confirm your address" in page.content.decode()
    assert EmailAddress.objects.filter(user=owner, verified=False).exists()
    done = browser.post(link, follow=True)
    assert "Log out" in done.content.decode()


def test_failed_attempts_at_one_account_are_counted_over_all_hosts(
    browser: Client, owner: Person, acorn: Environment
) -> None:
    for number in range(10):
        host = (PORTAL_HOST, store_host(acorn.tenant))[number % 2]
        assert "do not go together" in log_in(browser, owner.email, "wrong", SERVER_NAME=host)
    assert "Too many attempts failed" in log_in(browser, owner.email)


def test_a_stranger_cannot_keep_an_accounts_owner_out(browser: Client, owner: Person) -> None:
    for _ in range(12):
        page = log_in(browser, owner.email, "wrong", REMOTE_ADDR="203.0.113.7")
    assert "Too many attempts failed" in page
    own = Client(SERVER_NAME=PORTAL_HOST, REMOTE_ADDR="198.51.100.1")
    assert "Log out" in log_in(own, owner.email)


def test_many_addresses_together_guess_no_more_than_the_bound(
    browser: Client, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FAILED_ANYWHERE["config"]["login_failed"] == "100/h/key"
    monkeypatch.setitem(FAILED_ANYWHERE["config"], "login_failed", "12/h/key")
    failed = [
        "do not go together"
        in log_in(browser, owner.email, "wrong", REMOTE_ADDR=f"203.0.113.{number % 5}")
        for number in range(15)
    ]
    assert failed == [True] * 12 + [False] * 3
    own = Client(SERVER_NAME=PORTAL_HOST, REMOTE_ADDR="198.51.100.1")
    assert "Too many attempts failed" in log_in(own, owner.email)
    # Nobody else is kept out.
    assert "do not go together" in log_in(own, "nobody@acorn-books.example", "wrong")


def test_a_new_password_opens_what_too_many_attempts_have_closed(
    browser: Client, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAILED_ANYWHERE["config"], "login_failed", "1/h/key")
    log_in(browser, owner.email, "wrong")
    assert "Too many attempts failed" in log_in(browser, owner.email)
    browser.post("/password/reset/", {"email": owner.email})
    (sent,) = sent_mails()
    form = browser.get(link_in(sent), follow=True)
    new = "battery staple 7"
    browser.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert "Log out" in log_in(browser, owner.email, new)


def test_a_right_password_counts_for_nothing(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAILED_ANYWHERE["config"], "login_failed", "2/h/key")
    for password in (PASSWORD, "wrong", PASSWORD, PASSWORD):
        page = log_in(Client(SERVER_NAME=PORTAL_HOST), owner.email, password)
    assert "Log out" in page


def test_attempts_from_one_address_are_bounded(browser: Client) -> None:
    statuses = [
        browser.post("/login/", {"login": f"{number}@x.example", "password": "x"}).status_code
        for number in range(31)
    ]
    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]


def test_an_authenticator_app_is_asked_after_the_password(owner: Person) -> None:
    browser = Client(SERVER_NAME=PORTAL_HOST)
    log_in(browser, owner.email)
    secret = set_up_app(browser)
    stored = Authenticator.objects.get(user=owner, type="totp").data["secret"]
    assert secret not in stored

    second = Client(SERVER_NAME=PORTAL_HOST)
    assert "Your second factor" in log_in(second, owner.email)
    assert "/login/" in second.get("/").headers["Location"]
    cache.clear()
    wrong = second.post("/second-factor/authenticate/", {"code": "000000"})
    assert "Incorrect code" in wrong.content.decode()
    done = second.post("/second-factor/authenticate/", {"code": code_of(secret)}, follow=True)
    assert "Log out" in done.content.decode()


def test_turning_the_app_off_asks_for_the_password_and_is_told_by_mail(owner: Person) -> None:
    browser = Client(SERVER_NAME=PORTAL_HOST)
    log_in(browser, owner.email)
    set_up_app(browser)
    other = logged_in(owner, host=PORTAL_HOST)
    asked = other.post("/second-factor/totp/deactivate/").headers["Location"]
    assert asked.startswith("/account/again/")
    other.post(asked, {"password": PASSWORD})
    other.post("/second-factor/totp/deactivate/")
    assert not Authenticator.objects.filter(user=owner).exists()
    *_, last = sent_mails()
    assert last.subject == "Your authenticator app is off"
    assert f"Your account {owner.email} asks" in last.body


def test_a_recovery_code_opens_the_account_once(owner: Person) -> None:
    browser = Client(SERVER_NAME=PORTAL_HOST)
    log_in(browser, owner.email)
    set_up_app(browser)
    codes = browser.get("/second-factor/recovery-codes/download/").content.decode().split()
    assert len(codes) == 10
    for works in (True, False):
        other = Client(SERVER_NAME=PORTAL_HOST)
        log_in(other, owner.email)
        other.post("/second-factor/authenticate/", {"code": codes[0]})
        assert ("/login/" not in other.get("/").headers["Location"]) is works


def test_the_password_is_changed_by_who_knows_it(owner: Person) -> None:
    browser = logged_in(owner, host=PORTAL_HOST)
    new = {"password1": "battery staple 7", "password2": "battery staple 7"}
    refused = browser.post("/password/", {"oldpassword": "wrong", **new})
    assert refused.status_code == 200
    browser.post("/password/", {"oldpassword": PASSWORD, **new})
    owner.refresh_from_db()
    assert owner.check_password("battery staple 7")
    assert [sent.subject for sent in sent_mails()] == ["Your password was changed"]


@pytest.mark.parametrize(
    "path",
    [
        "/login/",
        "/password/reset/",
        "/password/reset/sent/",
        "/password/reset/done/",
        "/password/reset/1-x-y/",
        "/account/confirm/",
        "/account/confirm/nonsense/",
        "/account/closed/",
    ],
)
def test_the_pages_have_nothing_inline(browser: Client, path: str) -> None:
    assert_clean(browser.get(path, follow=True))


@pytest.mark.parametrize(
    "path",
    [
        "/logout/",
        "/password/",
        "/second-factor/",
        "/second-factor/totp/activate/",
        "/second-factor/totp/deactivate/",
        "/second-factor/recovery-codes/",
        "/second-factor/recovery-codes/generate/",
        "/account/again/",
    ],
)
def test_the_pages_of_who_is_logged_in_have_nothing_inline(owner: Person, path: str) -> None:
    browser = Client(SERVER_NAME=PORTAL_HOST)
    log_in(browser, owner.email)
    set_up_app(browser)
    assert_clean(browser.get(path, follow=True))


def assert_clean(answer: Any) -> None:
    """A page of ours, which keeps the policy."""
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "· Shelfwise</title>" in page
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
