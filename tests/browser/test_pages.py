"""Every page of the menu: in a real browser, in both themes, for each role, with and without us."""

from __future__ import annotations

import pytest
from playwright.sync_api import Response

from saas.portal.roles import RIGHTS
from tests.browser.accessibility import violations
from tests.browser.pages import Pages, keep_screenshot, overflowing
from tests.browser.routes import PLACES
from tests.browser.site import ROLES, Site

MAX_PAGE_BYTES = 300_000
PHONE = 390


@pytest.mark.parametrize("name", PLACES)
def test_a_page_is_light_accessible_and_fits(site: Site, pages: Pages, name: str) -> None:
    page = pages.open()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(site.address(PLACES[name].path), wait_until="networkidle")
    own = [answer for answer in answers if answer.url.startswith(site.portal)]
    assert sum(len(answer.body()) for answer in own) <= MAX_PAGE_BYTES
    assert violations(page) == []
    assert page.evaluate("window.wasAttacked") is None
    keep_screenshot(page, f"{name}-owner-light")
    page.set_viewport_size({"width": PHONE, "height": 844})
    assert overflowing(page) == []
    keep_screenshot(page, f"{name}-owner-light-phone")


@pytest.mark.parametrize("name", PLACES)
def test_a_page_is_accessible_in_the_dark(site: Site, pages: Pages, name: str) -> None:
    page = pages.open(theme="dark")
    page.goto(site.address(PLACES[name].path), wait_until="networkidle")
    assert violations(page, rules=["color-contrast"]) == []
    keep_screenshot(page, f"{name}-owner-dark")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_pages_and_no_others(site: Site, pages: Pages, role: str) -> None:
    page = pages.open(role)
    for name, place in PLACES.items():
        answer = page.goto(site.address(place.path))
        assert answer is not None
        is_allowed = place.right in RIGHTS[role]
        assert answer.status == (200 if is_allowed else 403), name
        if place.title is not None:
            menu = page.get_by_role("navigation", name="Store")
            line = menu.get_by_role("link", name=place.title, exact=True)
            assert line.count() == (1 if is_allowed else 0), name
        keep_screenshot(page, f"{name}-{role}-light")


def test_the_pages_work_without_javascript(site: Site, pages: Pages) -> None:
    page = pages.open(java_script_enabled=False)
    for name in PLACES:
        page.goto(site.address(PLACES[name].path))
        assert page.get_by_role("heading", level=1).is_visible(), name
