"""The team: invitations by mail for one address each, roles, and an owner that always remains."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.jobs import INVITATION_JOB
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.invitation import Invitation
from tenants.models.job import Job
from tenants.models.person import Member, Person
from tenants.services.invite_member import MOST_A_DAY
from tenants.services.mail_invitation import mail_invitation
from tests.people import PORTAL_HOST, logged_in, member, store_host, visitor

BEN = "ben@acorn-books.example"


@pytest.fixture
def owner(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


@pytest.fixture
def stranger(database: None) -> Client:
    return Client(SERVER_NAME=PORTAL_HOST)


def invite(browser: Client, email: str = BEN, role: str = "analyst") -> str:
    """Send the form and return what the next page says."""
    page: str = browser.post(
        "/team/invite/", {"email": email, "role": role}, follow=True
    ).content.decode()
    return page


def mailed_link() -> str:
    """The path of the link in the mail that the worker sends."""
    mail_invitation(invitation_id=Invitation.objects.latest("id").pk)
    (link,) = re.findall(r"http://[^/\s]+(/invitations/\S+)", str(mail.outbox[-1].body))
    return str(link)


def deeds(acorn: Environment) -> list[tuple[str, str, str]]:
    """What the store's log says of its people."""
    events = AuditEvent.objects.filter(tenant=acorn.tenant, action__contains="member_").order_by(
        "pk"
    )
    events |= AuditEvent.objects.filter(tenant=acorn.tenant, action__contains="invitation_")
    return [(each.actor, each.action, each.object) for each in events]


def role_of(acorn: Environment, email: str) -> str | None:
    found = Member.objects.filter(tenant=acorn.tenant, person__email=email).first()
    return found.role if found else None


def test_somebody_new_joins_by_the_link_of_a_mail(
    owner: Client, stranger: Client, acorn: Environment
) -> None:
    assert f"{BEN} gets a mail" in invite(owner, f" {BEN.upper()} ")
    assert Job.objects.filter(kind=INVITATION_JOB).count() == 1
    link = mailed_link()
    assert mail.outbox[0].to == [BEN]
    assert "owner@acorn-books.example has invited you to Acorn Books" in mail.outbox[0].body

    assert "Choose a password" in stranger.get(link).content.decode()
    assert "too common" in stranger.post(link, {"password": "password"}).content.decode()
    answer = stranger.post(link, {"password": "battery staple 7"})
    assert answer.headers["Location"] == "/stores/acorn-books/"
    assert role_of(acorn, BEN) == "analyst"
    assert "Acorn Books" in stranger.get("/stores/acorn-books/live/").content.decode()
    # Whoever reads the mail later finds nothing.
    assert Client(SERVER_NAME=PORTAL_HOST).get(link).status_code == 404
    assert deeds(acorn) == [
        ("person:owner@acorn-books.example", "member_invited", f"person:{BEN}"),
        (f"person:{BEN}", "member_joined", f"person:{BEN}"),
    ]
    logs_in = Client(SERVER_NAME=PORTAL_HOST)
    page = logs_in.post("/login/", {"login": BEN, "password": "battery staple 7"}, follow=True)
    assert "Acorn Books" in page.content.decode()


def test_who_has_an_account_logs_in_to_join(
    owner: Client, stranger: Client, acorn: Environment, birch: Environment
) -> None:
    ben = member(birch.tenant, "finance", email=BEN)
    invite(owner, role="developer")
    link = mailed_link()
    page = stranger.get(link).content.decode()
    assert "Choose a password" not in page
    assert f'href="/login/?next={link.replace(":", "%3A")}"' in page
    assert stranger.post(link, {"password": "battery staple 7"}).status_code == 200
    assert role_of(acorn, BEN) is None

    himself = logged_in(ben, host=PORTAL_HOST)
    assert "Join the store" in himself.get(link).content.decode()
    himself.post(link)
    assert role_of(acorn, BEN) == "developer"
    assert Member.objects.get(person=ben, tenant=birch.tenant).role == "finance"


def test_an_invitation_is_of_no_use_to_another_address(
    owner: Client, acorn: Environment, birch: Environment
) -> None:
    invite(owner)
    link = mailed_link()
    eve = logged_in(member(birch.tenant), host=PORTAL_HOST)
    for answer in (eve.get(link), eve.post(link)):
        assert answer.status_code == 403
        assert "is for <strong" in answer.content.decode()
    assert Member.objects.filter(tenant=acorn.tenant).count() == 1
    assert eve.get(link[:-2] + "/").status_code == 404


def test_a_link_ends_with_the_next_mail_with_a_withdrawal_and_after_seven_days(
    owner: Client, stranger: Client, acorn: Environment
) -> None:
    invite(owner)
    first = mailed_link()
    ben = Invitation.objects.get()
    owner.post(f"/team/invitations/{ben.pk}/again/")
    second = mailed_link()
    assert [stranger.get(link).status_code for link in (first, second)] == [404, 200]

    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert stranger.get(second).status_code == 404
    assert "ended" in owner.get("/team/").content.decode()
    owner.post(f"/team/invitations/{ben.pk}/again/")
    third = mailed_link()
    held = Invitation.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < held <= timedelta(days=7)
    assert stranger.get(third).status_code == 200

    owner.post(f"/team/invitations/{ben.pk}/withdraw/")
    assert stranger.get(third).status_code == 404
    mail.outbox = []
    mail_invitation(invitation_id=ben.pk)
    assert not mail.outbox
    assert [action for _, action, _ in deeds(acorn)] == [
        "member_invited",
        "invitation_sent_again",
        "invitation_sent_again",
        "invitation_withdrawn",
    ]


@pytest.mark.parametrize(
    ("email", "role", "sentence"),
    [
        ("nobody", "analyst", "is no e-mail address"),
        (BEN, "king", "is no role"),
        ("owner@acorn-books.example", "analyst", "is a member already"),
        ("asked@acorn-books.example", "analyst", "is invited already"),
    ],
)
def test_what_is_wrong_is_said_beside_the_address(
    owner: Client, email: str, role: str, sentence: str
) -> None:
    invite(owner, "asked@acorn-books.example")
    page = invite(owner, email, role)
    assert 'id="invite-error"' in page
    assert sentence in page
    assert Invitation.objects.count() == 1


def test_a_store_does_not_write_to_the_whole_world(owner: Client, acorn: Environment) -> None:
    now = timezone.now()
    Invitation.objects.bulk_create(
        Invitation(tenant=acorn.tenant, email=f"{n}@x.example", role="analyst", expires_at=now)
        for n in range(MOST_A_DAY)
    )
    assert "go on tomorrow" in invite(owner)
    one = Invitation.objects.latest("id")
    for _ in range(6):
        owner.post(f"/team/invitations/{one.pk}/again/")
    assert Job.objects.filter(payload__invitation_id=one.pk).count() == 5


def test_roles_change_and_memberships_end(owner: Client, acorn: Environment) -> None:
    ben = Member.objects.get(person=member(acorn.tenant, "analyst", email=BEN))
    his = logged_in(ben.person, host=store_host(acorn.tenant))
    assert his.get("/keys/").status_code == 403
    owner.post(f"/team/members/{ben.pk}/role/", {"role": "developer"})
    assert his.get("/keys/").status_code == 200
    assert (
        "does not see Acorn Books" in owner.get(f"/team/members/{ben.pk}/remove/").content.decode()
    )
    assert role_of(acorn, BEN) == "developer"
    owner.post(f"/team/members/{ben.pk}/remove/")
    assert his.get("/live/").status_code == 404
    assert deeds(acorn)[-2:] == [
        ("person:owner@acorn-books.example", "member_role_changed", f"person:{BEN}"),
        ("person:owner@acorn-books.example", "member_removed", f"person:{BEN}"),
    ]


@pytest.mark.parametrize("deed", ["role", "remove"])
def test_an_owner_always_remains(owner: Client, acorn: Environment, deed: str) -> None:
    own = Member.objects.get(tenant=acorn.tenant)
    page = owner.post(f"/team/members/{own.pk}/{deed}/", {"role": "analyst"}, follow=True)
    assert "is the last owner" in page.content.decode()
    second = Member.objects.get(person=member(acorn.tenant, "owner", email=BEN))
    owner.post(f"/team/members/{own.pk}/{deed}/", {"role": "analyst"})
    owners = Member.objects.filter(tenant=acorn.tenant, role="owner")
    assert list(owners) == [second]


def test_owners_are_made_and_unmade_by_owners_alone(acorn: Environment) -> None:
    top = Member.objects.get(person=member(acorn.tenant, "owner"))
    ben = Member.objects.get(person=member(acorn.tenant, "analyst", email=BEN))
    admin = visitor(acorn.tenant, "admin")
    assert 'value="owner"' not in admin.get("/team/").content.decode()
    for path, fields in (
        (f"/team/members/{ben.pk}/role/", {"role": "owner"}),
        (f"/team/members/{top.pk}/role/", {"role": "analyst"}),
        (f"/team/members/{top.pk}/remove/", {}),
        ("/team/invite/", {"email": "eve@acorn-books.example", "role": "owner"}),
    ):
        page = admin.post(path, fields, follow=True).content.decode()
        assert "Only an owner can" in page, path
    assert role_of(acorn, BEN) == "analyst"
    assert role_of(acorn, top.person.email) == "owner"
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("role", ["analyst", "developer", "finance"])
def test_who_does_not_manage_the_team_does_not_see_it(acorn: Environment, role: str) -> None:
    browser = visitor(acorn.tenant, role)
    ben = Member.objects.get(person=member(acorn.tenant, "analyst", email=BEN))
    assert browser.get("/team/").status_code == 403
    assert browser.post("/team/invite/", {"email": "a@x.example", "role": role}).status_code == 403
    assert browser.post(f"/team/members/{ben.pk}/remove/").status_code == 403


def test_another_stores_people_are_out_of_reach(
    owner: Client, acorn: Environment, birch: Environment
) -> None:
    theirs = Member.objects.get(person=member(birch.tenant, "analyst"))
    asked = Invitation.objects.create(
        tenant=birch.tenant, email=BEN, role="analyst", sends=1, expires_at=timezone.now()
    )
    assert owner.get(f"/team/members/{theirs.pk}/remove/").status_code == 404
    for path in (
        f"/team/members/{theirs.pk}/role/",
        f"/team/members/{theirs.pk}/remove/",
        f"/team/invitations/{asked.pk}/again/",
        f"/team/invitations/{asked.pk}/withdraw/",
    ):
        owner.post(path, {"role": "developer"})
    theirs.refresh_from_db()
    asked.refresh_from_db()
    assert (theirs.role, asked.sends, asked.withdrawn_at) == ("analyst", 1, None)


def test_two_people_with_one_link_are_one_member(owner: Client, acorn: Environment) -> None:
    invite(owner)
    link = mailed_link()
    answers = [
        Client(SERVER_NAME=PORTAL_HOST).post(link, {"password": "battery staple 7"})
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [302, 404]
    assert Person.objects.filter(email=BEN).count() == 1


def test_the_page_asks_for_the_same_however_many_there_are(
    owner: Client, acorn: Environment
) -> None:
    for number in range(3):
        member(acorn.tenant, "analyst", email=f"{number}@acorn-books.example")
        invite(owner, f"asked-{number}@acorn-books.example")
    with CaptureQueriesContext(connection) as asked:
        owner.get("/team/")
    # Session, person, membership, environments, members, invitations.
    assert len([each for each in asked if "SELECT" in each["sql"]]) == 6
