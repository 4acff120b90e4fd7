"""Each page of the console: for staff with a second factor, and for nobody else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from saas.surfaces import STAFF
from tenants.models.environment import Environment
from tenants.models.person import Person
from tests.people import STAFF_HOST, at_console, logged_in, member

PAGES = (
    "/",
    *(
        f"/tenants/{model}/"
        for model in (
            *(
                "tenant",
                "signup",
                "environment",
                "apikey",
                "person",
                "job",
                "trainingrecord",
                "webhook",
            ),
            *("webhookdelivery", "auditevent"),
        )
    ),
    *(
        f"/billing/{model}/"
        for model in (
            *("plan", "subscription", "invoicerecord", "credit", "stripeevent", "usagebucket"),
            *("usagereport", "usageadjustment", "usagesource", "usageshipper"),
        )
    ),
)


@pytest.mark.parametrize("page", PAGES)
def test_staff_with_a_code_see_the_page(console: Client, birch: Environment, page: str) -> None:
    answer = console.get(page)
    assert answer.status_code == 200
    assert "Shelfwise staff" in answer.content.decode()


@pytest.mark.parametrize("who", ["nobody", "with a password alone", "a store's owner"])
def test_nobody_else_does(staff: Person, acorn: Environment, who: str) -> None:
    client = {
        "nobody": lambda: Client(SERVER_NAME=STAFF_HOST),
        "with a password alone": lambda: logged_in(staff, host=STAFF_HOST, surface=STAFF),
        "a store's owner": lambda: at_console(member(acorn.tenant)),
    }[who]()
    for page in PAGES:
        answer = client.get(page)
        assert answer.status_code == 302, page
        assert answer.headers["Location"].startswith("/login/"), page


def test_the_menu_leads_to_every_table(console: Client) -> None:
    text = console.get("/").content.decode()
    for page in PAGES[1:]:
        assert f'href="{page}"' in text


@pytest.mark.parametrize("model", ["auditevent", "usageadjustment", "tenant", "plan", "job"])
@pytest.mark.parametrize("what", ["add/", "1/delete/"])
def test_nothing_is_added_or_deleted_by_a_form(console: Client, model: str, what: str) -> None:
    app = "billing" if model in {"usageadjustment", "plan"} else "tenants"
    for answer in (console.get(f"/{app}/{model}/{what}"), console.post(f"/{app}/{model}/{what}")):
        assert answer.status_code in {302, 403, 404}
        if answer.status_code == 302:
            assert answer.headers["Location"] == reverse("admin:index", urlconf=STAFF.urlconf)
