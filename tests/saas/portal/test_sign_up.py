"""Signing up by oneself: a confirmed address gets a store, and its first key once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from tenants.jobs import STORE_JOB
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.person import Member, Person
from tenants.models.sign_up import SignUp
from tests.mails import sent_mails
from tests.people import PORTAL_HOST, logged_in, member, store_host

FORM = {"store": "Cedar Tea", "email": "ann@cedar-tea.example", "password1": "correct horse"}


@pytest.fixture
def browser(database: None) -> Client:
    return Client(SERVER_NAME=PORTAL_HOST)


def sign_up(browser: Client, **changes: str) -> str:
    """Send the form and return what the next page says, but for what differs each time."""
    page: str = browser.post("/sign-up/", FORM | changes, follow=True).content.decode()
    return re.sub(r"[A-Za-z0-9]{64}", "token", page)


def confirm(browser: Client) -> Any:
    """Open the link of the last mail and press the button."""
    link = re.findall(r"http://[^/\s]+(/\S+)", str(sent_mails()[-1].body))[0]
    return browser.post(link, follow=True)


def finish(acorn: Environment) -> SignUp:
    """Let the job be done: Ann owns the store."""
    ann = SignUp.objects.get()
    Member.objects.create(person=ann.person, tenant=acorn.tenant, role="owner")  # type: ignore[misc]
    SignUp.objects.filter(pk=ann.pk).update(state="done", progress=1, tenant=acorn.tenant)
    return ann


def test_a_store_is_asked_for_when_its_address_is_confirmed(browser: Client) -> None:
    assert "Look into your mail" in sign_up(browser)
    (sent,) = sent_mails()
    assert sent.to == [FORM["email"]]
    # Nobody mails names of their choice to strangers in ours.
    assert "Cedar Tea" not in f"{sent.subject} {sent.body}"
    assert SignUp.objects.get().state == "unconfirmed"
    assert not Job.objects.filter(kind=STORE_JOB).exists()

    page = confirm(browser)

    assert "Cedar Tea is being made" in page.content.decode()
    assert Job.objects.get(kind=STORE_JOB).payload == {"sign_up_id": SignUp.objects.get().pk}
    assert SignUp.objects.get().actor == "person:ann@cedar-tea.example"


def test_a_link_that_is_opened_elsewhere_leads_to_the_log_in_and_on(browser: Client) -> None:
    sign_up(browser)
    other = Client(SERVER_NAME=PORTAL_HOST)
    assert "<h1>Log in</h1>" in confirm(other).content.decode()
    assert Job.objects.filter(kind=STORE_JOB).count() == 1
    fields = {"login": FORM["email"], "password": FORM["password1"]}
    page = other.post("/login/", fields, follow=True)
    assert "Cedar Tea is being made" in page.content.decode()


def test_the_page_looks_again_until_the_store_is_ready(browser: Client, acorn: Environment) -> None:
    sign_up(browser)
    confirm(browser)
    SignUp.objects.update(state="filling", progress=0.55)
    whole = browser.get("/sign-up/progress/").content.decode()
    assert '<noscript><meta http-equiv="refresh"' in whole
    part = browser.get("/sign-up/progress/", headers={"HX-Request": "true"}).content.decode()
    assert part in whole
    assert 'value="55"' in part
    assert "hx-get" in part
    finish(acorn)
    ready = browser.get("/sign-up/progress/", headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in ready
    assert "Make my first test key" in ready


def test_the_first_key_is_shown_once(browser: Client, acorn: Environment) -> None:
    sign_up(browser)
    confirm(browser)
    early = browser.post("/sign-up/key/")
    assert early.headers["Location"] == "/sign-up/progress/"
    finish(acorn)
    pages = [browser.post("/sign-up/key/", follow=True) for _ in range(2)]
    assert all(
        page.redirect_chain[0][0] == "/stores/acorn-books/test/get-started/" for page in pages
    )
    first, second = (set(re.findall(r"sk_test_\w{36}", page.content.decode())) for page in pages)
    assert len(first) == 1
    assert not second
    of_acorn = ApiKey.objects.filter(environment__tenant=acorn.tenant, environment__kind="test")
    assert of_acorn.filter(name="First steps").count() == 1


def test_a_store_that_does_not_come_says_whom_to_write(browser: Client) -> None:
    sign_up(browser)
    confirm(browser)
    SignUp.objects.update(state="failed", error="It failed on our side.")
    page = browser.get("/sign-up/progress/").content.decode()
    assert "could not be made" in page
    assert SignUp.objects.get().pk in page
    assert "hx-get" not in page


def test_what_a_dead_process_left_undone_is_begun_by_the_page(browser: Client) -> None:
    sign_up(browser)
    confirm(browser)
    Job.objects.all().delete()
    SignUp.objects.update(state="unconfirmed")
    assert "is being made" in browser.get("/sign-up/progress/").content.decode()
    assert Job.objects.filter(kind=STORE_JOB).count() == 1


def test_nobody_learns_who_has_an_account(
    browser: Client, acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = member(acorn.tenant)
    hashed: list[str] = []
    real = MD5PasswordHasher.encode

    def count(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return real(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", count)
    known = sign_up(browser, email=owner.email)
    unknown = sign_up(Client(SERVER_NAME=PORTAL_HOST))
    assert known.replace(owner.email, "") == unknown.replace(FORM["email"], "")
    first, _ = sent_mails()
    assert first.to == [owner.email]
    assert "You have an account already" in first.subject
    assert Person.objects.filter(email=owner.email).count() == 1
    assert SignUp.objects.count() == 1
    # What takes long is done for both.
    assert hashed == [FORM["password1"]] * 2


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("store", "Win at https://evil.example", "cannot be the name of a store"),
        ("store", "", "required"),
        ("email", "nobody", "valid email"),
        ("password1", "short", "at least 8 characters"),
        ("password1", "password", "too common"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    browser: Client, field: str, value: str, sentence: str
) -> None:
    page = sign_up(browser, **{field: value})
    assert f'id="id_{field}_error"' in page
    assert sentence in page
    assert not Person.objects.filter(email=FORM["email"]).exists()
    assert not sent_mails()


def test_an_account_without_its_wish_is_not_kept(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("The database is away.")

    monkeypatch.setattr("saas.portal.account_forms.request_store", fail)
    with pytest.raises(RuntimeError):
        sign_up(browser)
    assert not Person.objects.filter(email=FORM["email"]).exists()
    assert not EmailAddress.objects.filter(email=FORM["email"]).exists()


def test_sign_ups_from_one_address_are_bounded(browser: Client) -> None:
    pages = [sign_up(browser, email=f"{number}@cedar-tea.example") for number in range(6)]
    assert "Too many attempts" in pages[-1]
    assert len(sent_mails()) == 5


def test_stores_are_opened_on_the_portals_own_host(acorn: Environment) -> None:
    answer = Client(SERVER_NAME=store_host(acorn.tenant)).get("/sign-up/")
    assert answer.headers["Location"] == f"http://{PORTAL_HOST}/sign-up/"


def test_who_has_not_signed_up_has_no_progress(acorn: Environment) -> None:
    owner = logged_in(member(acorn.tenant), host=PORTAL_HOST)
    assert owner.get("/sign-up/progress/").status_code == 404
    assert Client(SERVER_NAME=PORTAL_HOST).get("/sign-up/progress/").status_code == 302
