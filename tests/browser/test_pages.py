"""Every page of a store: in a real browser, in both themes, for each role, with and without us."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Response, expect

from saas.portal.roles import RIGHTS
from tests.browser.accessibility import violations
from tests.browser.pages import Pages, keep_screenshot, overflowing
from tests.browser.routes import PLACES
from tests.browser.site import ROLES, Site

MAX_PAGE_BYTES = 300_000


@pytest.mark.parametrize("name", PLACES)
def test_a_page_is_light_accessible_and_fits(site: Site, pages: Pages, name: str) -> None:
    page = pages.open()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    go(page, site.address(PLACES[name].path))
    own = [answer for answer in answers if answer.url.startswith(site.portal)]
    assert own[0].status == 200
    assert sum(len(answer.body()) for answer in own) <= MAX_PAGE_BYTES
    assert violations(page) == []
    assert page.evaluate("window.wasAttacked") is None
    keep_screenshot(page, f"{name}-owner-light")
    page.set_viewport_size({"width": 390, "height": 844})
    assert overflowing(page) == []
    keep_screenshot(page, f"{name}-owner-light-phone")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="dark")
    go(page, page.url)
    assert violations(page, rules=["color-contrast"]) == []
    keep_screenshot(page, f"{name}-owner-dark")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_pages_and_no_others(site: Site, pages: Pages, role: str) -> None:
    page = pages.open(role)
    shown = {name: place for name, place in PLACES.items() if place.right in RIGHTS[role]}
    with site.client(role) as client:
        for name, place in PLACES.items():
            status = client.get(site.path(place.path)).status_code
            assert status == (200 if name in shown else 403), name
    go(page, site.address(PLACES["overview"].path))
    lines = page.get_by_role("navigation", name="Store").get_by_role("link")
    assert lines.all_inner_texts() == [each.title for each in shown.values() if each.title]
    # The owner's are looked at by the tests above.
    for name, place in shown.items() if role != "owner" else ():
        go(page, site.address(place.path))
        keep_screenshot(page, f"{name}-{role}-light")


def test_the_pages_work_without_javascript(site: Site, pages: Pages) -> None:
    page = pages.open(java_script_enabled=False)
    for name, place in PLACES.items():
        page.goto(site.address(place.path))
        assert page.get_by_role("heading", level=1).is_visible(), name


def go(page: Page, address: str) -> None:
    """Open a page and wait for what it fetches by itself."""
    page.goto(address)
    expect(page.locator(".htmx-request")).to_have_count(0)
