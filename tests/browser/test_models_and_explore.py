"""What lies behind the lists of models and of Explore, looked at as a person would."""

from __future__ import annotations

from playwright.sync_api import Page, Response, expect

from tests.browser.accessibility import violations
from tests.browser.pages import Pages, keep_screenshot, overflowing
from tests.browser.site import Site
from tests.engine.model_versions import version_of

_PHONE_WIDTH = 390
_MAX_PAGE_BYTES = 300_000


def looked_at(page: Page, name: str) -> None:
    """Let nothing be wrong, run or stick out; keep a picture in each width."""
    assert violations(page) == []
    assert page.evaluate("window.wasAttacked") is None
    keep_screenshot(page, name)
    page.set_viewport_size({"width": _PHONE_WIDTH, "height": 844})
    assert overflowing(page) == []
    keep_screenshot(page, f"{name}-phone")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_shopper_is_explored_down_to_the_parts_of_a_score(site: Site, pages: Pages) -> None:
    page = pages.open("analyst")
    page.goto(site.address("live/explore/?q=shopper-3"))
    page.get_by_role("link", name="shopper-3", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("shopper-3")
    shelves = page.locator("ol.picks")
    expect(shelves).to_have_count(2)

    shelves.first.get_by_role("link", name="Why").first.click()
    expect(shelves.first.locator(".why").first).to_contain_text("At place 1")
    looked_at(page, "explore-shopper")

    page.get_by_label("Is an item missing?").fill("sku-7")
    page.keyboard.press("Enter")
    expect(page.locator("form + .why")).to_contain_text("out_of_stock")


def test_an_item_with_a_hostile_name_is_explored(site: Site, pages: Pages) -> None:
    page = pages.open("analyst", theme="dark")
    page.goto(site.address("live/explore/item/?item_id=sku-0"))

    expect(page.get_by_role("heading", name="Similar items")).to_be_visible()
    looked_at(page, "explore-item-dark")


def test_a_version_is_looked_at_promoted_and_rolled_back(site: Site, pages: Pages) -> None:
    page = pages.open("developer")
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(site.address(f"live/models/{version_of(18)}/"), wait_until="networkidle")
    assert sum(len(answer.body()) for answer in answers) <= _MAX_PAGE_BYTES
    assert page.locator("canvas:visible").count() >= 5
    looked_at(page, "model")

    page.get_by_role("link", name="Promote").click()
    page.get_by_label("Reason").fill("The browser's test")
    looked_at(page, "model-promotion")
    page.get_by_role("button", name="Promote it").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{version_of(18)} is live")

    page.goto(site.address(f"live/models/{version_of(20)}/promote/"))
    page.get_by_role("button", name="Promote it").click()
    page.get_by_role("link", name="Compare two").click()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("[hx-trigger=load]")).to_contain_text("cannot be read any more")
    looked_at(page, "model-comparison")
