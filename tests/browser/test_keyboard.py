"""Everything can be done with the keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.pages import Pages
from tests.browser.site import PASSWORD, Site

# More than any page has before what is looked for.
MOST_STEPS = 40


def step_to(page: Page, text: str) -> None:
    """Press Tab until what has this text or value is in focus, as a person would."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText.trim()") == text:
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError(f"'{text}' cannot be reached with {MOST_STEPS} presses of Tab.")


def test_a_member_logs_in_skips_the_menu_and_logs_out(site: Site, pages: Pages) -> None:
    page = pages.open(None)
    page.goto(site.portal)
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(site.email("analyst"))
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Store")).to_be_visible()
    step_to(page, "Skip to content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.reload()
    step_to(page, "Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail")).to_be_visible()


def test_a_key_is_made_and_revoked(site: Site, pages: Pages) -> None:
    page = pages.open("developer")
    page.goto(site.address("live/"))
    step_to(page, "API keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/keys/")
    page.get_by_role("link", name="New secret key for test").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").focus()
    page.keyboard.type("checkout server")
    # The box of the first scope: without it the key may do less.
    page.get_by_label("read items").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Make the key").press("Enter")
    expect(page.locator("#new-key")).to_contain_text("sk_test_")
    assert violations(page) == []
    page.get_by_role("link", name="I have copied it").press("Enter")
    row = page.get_by_role("row", name="checkout server")
    expect(row).to_contain_text("11 scopes")
    row.get_by_role("link", name="Revoke").press("Enter")
    expect(page.get_by_role("heading", name="Revoke checkout server?")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Revoke the key").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is revoked")


def test_the_menu_of_a_phone_opens_and_closes(site: Site, pages: Pages) -> None:
    page = pages.open(width=390)
    page.goto(site.address("live/"))
    line = page.get_by_role("link", name="API keys", exact=True)
    expect(line).to_be_hidden()
    step_to(page, "Menu")
    page.keyboard.press("Enter")
    expect(line).to_be_visible()
    page.keyboard.press("Enter")
    expect(line).to_be_hidden()
