"""Platform staff at a store's pages: by a link that works once, for half an hour, on the record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from saas.lib.errors import InvalidParameter
from saas.portal.roles import STAFF_VISIT
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.person import Person
from tenants.models.staff_visit import StaffVisit
from tenants.services.open_staff_visit import end_staff_visits, open_staff_visit
from tests.people import PORTAL_HOST, logged_in, member

REASON = "Ticket 12: no recommendations since Monday"
HOME = "/stores/acorn-books/"


@pytest.fixture
def sam(database: None) -> Person:
    return Person.objects.create_superuser("sam@shelfwise.example")


@pytest.fixture
def browser(database: None) -> Client:
    return Client(SERVER_NAME=PORTAL_HOST)


@pytest.fixture
def link(sam: Person, acorn: Environment) -> str:
    token = open_staff_visit(staff=sam, tenant_id=acorn.tenant_id, reason=REASON)
    return f"{HOME}staff-visit/{token}/"


def deeds(acorn: Environment) -> list[tuple[str, str, str]]:
    """What the store's own log says of visits."""
    events = AuditEvent.objects.filter(tenant=acorn.tenant, action__startswith="staff_visit")
    return [(each.actor, each.action, each.reason) for each in events.order_by("pk")]


def is_in(browser: Client) -> bool:
    return browser.get(f"{HOME}live/").status_code == 200


BEGAN = ("staff:sam@shelfwise.example", "staff_visit_began", REASON)
ENDED = ("staff:sam@shelfwise.example", "staff_visit_ended", REASON)


def test_a_visit_is_begun_by_a_person_seen_on_every_page_and_left(
    browser: Client, link: str, acorn: Environment
) -> None:
    asked = browser.get(link).content.decode()
    assert REASON in asked
    assert not is_in(browser)
    assert not deeds(acorn)

    browser.post(link)

    page = browser.get(f"{HOME}live/").content.decode()
    assert "as Shelfwise staff until" in page
    assert "Log out" not in page
    assert deeds(acorn) == [BEGAN]
    assert "No visit is under way" in browser.post(f"{HOME}staff-visit/leave/").content.decode()
    assert not is_in(browser)
    assert deeds(acorn) == [BEGAN, ENDED]


def test_a_link_works_once(browser: Client, link: str, acorn: Environment) -> None:
    browser.post(link)
    other = Client(SERVER_NAME=PORTAL_HOST)
    assert other.get(link).status_code == 404
    assert other.post(link).status_code == 404
    assert not is_in(other)
    assert deeds(acorn) == [BEGAN]


def test_a_link_is_too_old_after_five_minutes(browser: Client, link: str) -> None:
    visit = StaffVisit.objects.get()
    assert visit.ends_at - timezone.now() <= timedelta(minutes=5)
    StaffVisit.objects.update(ends_at=timezone.now())
    assert browser.post(link).status_code == 404
    assert not is_in(browser)


def test_a_visit_is_over_after_half_an_hour(browser: Client, link: str, acorn: Environment) -> None:
    browser.post(link)
    visit = StaffVisit.objects.get()
    assert timedelta(minutes=29) < visit.ends_at - timezone.now() <= timedelta(minutes=30)
    over = timezone.now() - timedelta(seconds=90)
    StaffVisit.objects.update(ends_at=over)
    assert not is_in(browser)
    for _ in range(2):
        end_staff_visits()
    assert deeds(acorn) == [BEGAN, ENDED]
    assert StaffVisit.objects.get().ended_at == over
    # Who leaves then, leaves nothing.
    browser.post(f"{HOME}staff-visit/leave/")
    assert deeds(acorn) == [BEGAN, ENDED]


def test_a_link_of_one_store_opens_no_other(browser: Client, link: str, birch: Environment) -> None:
    elsewhere = link.replace("acorn-books", "birch-shoes")
    assert browser.get(elsewhere).status_code == 404
    assert browser.post(elsewhere).status_code == 404
    browser.post(link)
    assert browser.get("/stores/birch-shoes/live/").status_code == 302
    assert browser.post(f"{HOME}staff-visit/nonsense/").status_code == 404


def test_staff_see_neither_keys_nor_money_nor_the_team(browser: Client, link: str) -> None:
    browser.post(link)
    for page in ("keys/", "usage/", "team/", "settings/"):
        assert browser.get(f"{HOME}{page}").status_code == 403, page
    assert browser.get(f"{HOME}audit/").status_code == 200
    assert {
        "manage_keys",
        "see_billing",
        "change_billing",
        "manage_team",
        "delete_store",
    }.isdisjoint(STAFF_VISIT)


def test_what_staff_do_is_done_in_their_name(
    browser: Client, link: str, acorn: Environment
) -> None:
    Environment.objects.filter(pk=acorn.pk).update(is_pinned=True)
    browser.post(link)
    browser.post(f"{HOME}live/models/unpin/")
    (deed,) = AuditEvent.objects.filter(tenant=acorn.tenant, action="model_unpinned")
    assert deed.actor == "staff:sam@shelfwise.example"


def test_who_is_staff_no_more_is_out_at_once(browser: Client, link: str, sam: Person) -> None:
    browser.post(link)
    assert is_in(browser)
    Person.objects.filter(pk=sam.pk).update(is_active=False)
    assert not is_in(browser)


def test_a_member_keeps_the_own_log_in_beside_a_visit(
    link: str, acorn: Environment, birch: Environment
) -> None:
    browser = logged_in(member(birch.tenant), host=PORTAL_HOST)
    browser.post(link)
    assert "as Shelfwise staff" in browser.get(f"{HOME}live/").content.decode()
    own = browser.get("/stores/birch-shoes/live/").content.decode()
    assert "as Shelfwise staff" not in own
    browser.post(f"{HOME}staff-visit/leave/")
    assert browser.get(f"{HOME}live/").status_code == 404
    assert browser.get("/stores/birch-shoes/live/").status_code == 200


def test_without_a_reason_there_is_no_visit(sam: Person, acorn: Environment) -> None:
    with pytest.raises(InvalidParameter, match="Say why"):
        open_staff_visit(staff=sam, tenant_id=acorn.tenant_id, reason="  ")
    assert not StaffVisit.objects.exists()
