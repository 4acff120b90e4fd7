"""The pages before and beside a store's: log-in, sign-up, password and second factor."""

from __future__ import annotations

import pytest

from tests.browser.accessibility import violations
from tests.browser.pages import Pages, keep_screenshot, overflowing
from tests.browser.site import PASSWORD, Site

FOR_ALL = (
    "login/",
    "sign-up/",
    "password/reset/",
    "password/reset/sent/",
    "account/confirm/",
    "account/confirm/nonsense/",
    "invitations/nonsense/",
)
FOR_ONE = ("password/", "second-factor/", "logout/")


@pytest.mark.parametrize("who", [None, "analyst"])
def test_a_way_in_is_accessible_and_fits(site: Site, pages: Pages, who: str | None) -> None:
    page = pages.open(who)
    for path in FOR_ALL if who is None else FOR_ONE:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")
        page.goto(f"{site.portal}/{path}")
        assert violations(page) == [], path
        keep_screenshot(page, f"way-in-{path.strip('/').replace('/', '-')}")
        page.emulate_media(color_scheme="dark")
        page.goto(f"{site.portal}/{path}")
        assert violations(page, rules=["color-contrast"]) == [], path
        page.set_viewport_size({"width": 390, "height": 844})
        assert overflowing(page) == [], path


def test_a_second_factor_is_set_up_and_its_errors_are_told(site: Site, pages: Pages) -> None:
    page = pages.open("analyst")
    page.goto(f"{site.portal}/second-factor/totp/activate/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    assert page.get_by_role("img", name="QR code").is_visible()
    page.get_by_label("code").fill("000000")
    page.get_by_role("button", name="Turn it on").click()
    assert page.get_by_text("Incorrect code").is_visible()
    assert violations(page) == []
    keep_screenshot(page, "way-in-second-factor-set-up")
