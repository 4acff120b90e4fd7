"""Get started in a real browser: its list follows the store, and its key can be copied."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chromium import browser_left_alone
from tests.browser.pages import PATIENCE_MS, Pages
from tests.browser.site import Site
from tests.saas.portal.deeds import put_items


def test_the_list_follows_what_the_store_does_without_a_new_page(site: Site, pages: Pages) -> None:
    page = pages.open()
    page.goto(site.address("test/get-started/"))
    step = page.locator("li", has=page.locator("strong", has_text="The catalogue"))
    page.evaluate("window.isSamePage = true")

    with browser_left_alone():
        put_items(site.store.test, "oak", "elm", "ash")

    expect(step).to_contain_text("done", timeout=PATIENCE_MS)
    assert page.evaluate("window.isSamePage") is True


def test_a_key_is_made_shown_once_and_copied_with_its_snippet(site: Site, pages: Pages) -> None:
    page = pages.open("developer", permissions=["clipboard-read", "clipboard-write"])
    page.goto(site.address("test/get-started/"))
    page.get_by_role("button", name="Make a test key for these snippets").click()

    key = page.locator("#snippet-key").inner_text()
    assert re.fullmatch(r"sk_test_\w{36}", key)
    page.get_by_text("Python", exact=True).click()
    page.get_by_role("button", name="Copy Python").click()
    page.wait_for_function(
        "async (key) => { const copied = await navigator.clipboard.readText();"
        " return copied.startsWith('import requests') && copied.includes(key); }",
        arg=key,
    )

    page.reload()
    assert key not in page.content()
