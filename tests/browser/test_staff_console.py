"""The staff console in a real browser: the way in, figures with axes, deeds without JavaScript."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.utils import timezone
from playwright.sync_api import Page, expect

from saas.demo.totp import PERIOD_SECONDS, code_of, new_secret
from saas.lib.ids import new_ulid
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.person import Person
from tenants.models.roll_up import EnvironmentDay
from tests.browser.accessibility import violations
from tests.browser.chromium import browser_left_alone
from tests.browser.pages import Pages, keep_screenshot
from tests.browser.site import Site

PASSWORD = "battery staple"


@dataclass(frozen=True)
class Clerk:
    """Somebody of staff with an authenticator app."""

    email: str
    secret: str


@pytest.fixture
def clerk(site: Site) -> Iterator[Clerk]:
    secret = new_secret()
    with on_platform():
        person = Person.objects.create_superuser(f"{new_ulid().lower()}@staff.example", PASSWORD)
        TOTP.activate(person, secret)
        # A dispatcher of another test may have looked at this store, too.
        seen, _ = EnvironmentDay.objects.update_or_create(
            environment=site.store.live,
            day=timezone.now().date(),
            defaults={"calls": 1_200, "fallbacks": 30, "events": 8_000, "items": 3},
        )
    yield Clerk(person.email, secret)
    with on_platform():
        seen.delete()
        person.delete()


def log_in(page: Page, site: Site, clerk: Clerk, *, seconds: int = 0) -> str:
    """Take both steps; return the console's address. A code of another time is another code."""
    console = f"http://staff.localhost:{site.port}"
    page.goto(f"{console}/tenants/tenant/")
    page.get_by_label("Email").fill(clerk.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    code = code_of(clerk.secret, at=time.time() + seconds)
    page.locator("input[name=code]").fill(code)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{console}/tenants/tenant/")
    return console


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_staff_log_in_with_a_code_and_see_figures_with_axes(
    site: Site, clerk: Clerk, pages: Pages, theme: Literal["light", "dark"]
) -> None:
    page = pages.open(None, theme=theme)
    console = log_in(page, site, clerk)
    expect(page.get_by_role("link", name=site.store.live.tenant.name)).to_be_visible()
    keep_screenshot(page, f"staff-tenants-{theme}")
    page.goto(console)
    drawn = page.locator("figure:has(canvas:visible)")
    expect(drawn).not_to_have_count(0)
    for figure in drawn.all():
        assert figure.locator("strong").inner_text()
        assert figure.get_attribute("data-x") == "Day"
        assert figure.get_attribute("data-y")
    assert violations(page, rules=["color-contrast"]) == []
    keep_screenshot(page, f"staff-overview-{theme}")
    page.goto(f"{console}/tenants/tenant/{site.store.live.tenant_id}/change/")
    expect(page.get_by_role("link", name="Open as tenant")).to_be_visible()
    keep_screenshot(page, f"staff-tenant-{theme}")


def test_a_deed_needs_a_reason_and_no_javascript(site: Site, clerk: Clerk, pages: Pages) -> None:
    page = pages.open(None, java_script_enabled=False)
    console = log_in(page, site, clerk, seconds=PERIOD_SECONDS)
    tenant = site.other.live.tenant
    for deed in ("Suspend", "Answer again"):
        page.goto(f"{console}/tenants/tenant/{tenant.pk}/change/")
        page.get_by_role("link", name=deed, exact=True).click()
        page.get_by_label("Reason").fill("Seen in a browser.")
        page.get_by_role("button", name=deed).click()
        expect(page.get_by_text(tenant.name).first).to_be_visible()
    with browser_left_alone(), on_platform():
        assert Environment.objects.get(pk=site.other.live.pk).tenant.status == "active"


def test_a_visit_opens_the_stores_pages_in_the_portal(
    site: Site, clerk: Clerk, pages: Pages
) -> None:
    page = pages.open(None)
    console = log_in(page, site, clerk)
    page.goto(f"{console}/tenants/tenant/{site.store.live.tenant_id}/change/")
    page.get_by_role("link", name="Open as tenant").click()
    page.get_by_label("Reason").fill("To see what the store sees.")
    page.get_by_role("button", name="Open as tenant").click()
    page.get_by_role("link", name="Open it").click()
    assert page.url.startswith(f"{site.portal}/stores/{site.store.live.tenant.slug}/staff-visit/")
    keep_screenshot(page, "staff-visit")
