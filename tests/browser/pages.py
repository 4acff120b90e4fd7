"""Opens pages as a member sees them, and writes down whatever goes wrong in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
)

from tests.browser.site import Site, session_cookie

SCREENSHOTS = Path(__file__).resolve().parents[2] / ".ci-screenshots"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><rect width="4" height="3"/></svg>'
)
# Long enough for a machine that does much else; nothing waits it out unless it fails.
PATIENCE_MS = 20_000

_OVERFLOWING = """() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [...document.body.querySelectorAll("*")]
        .filter((each) => each.getBoundingClientRect().right > clientWidth)
        .map((each) => each.outerHTML.slice(0, 100));
}"""


class Pages:
    """The pages of one test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.site: Site | None = None
        self._contexts: list[BrowserContext] = []
        self.faults: list[str] = []

    def open(
        self,
        role: str | None = "owner",
        *,
        theme: Literal["light", "dark"] = "light",
        width: int = 1280,
        **options: Any,
    ) -> Page:
        """Return a page of a browser of its own, logged in as a member; None: nobody."""
        context = self._browser.new_context(
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
            **options,
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        # The stores' pictures are on their own servers, which a test does not ask.
        context.route(
            re.compile("^https://"),
            lambda route: route.fulfill(content_type="image/svg+xml", body=PICTURE),
        )
        if role is not None:
            assert self.site is not None
            context.add_cookies([session_cookie(self.site, role)])  # type: ignore[list-item]
        page = context.new_page()
        self._watch(page)
        return page

    def keep_screenshots(self, name: str) -> None:
        """Keep what the pages look like."""
        for number, context in enumerate(self._contexts):
            for page in context.pages:
                keep_screenshot(page, f"{name}-{number}")

    def close(self) -> None:
        """Close every page."""
        for context in self._contexts:
            context.close()

    def _watch(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("requestfailed", self._note_failed)
        page.on("response", self._note_answer)

    def _hear(self, message: ConsoleMessage) -> None:
        # The status of a page is what its test asks for; that of its parts is heard as an answer.
        if message.type in {"error", "warning"} and "the server responded" not in message.text:
            self.faults.append(f"{message.location.get('url')}: {message.text}")

    def _note_failed(self, request: Request) -> None:
        # A navigation that a download or another navigation took the place of.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.url}: {request.failure}")

    def _note_answer(self, response: Response) -> None:
        if not response.url.startswith("http://portal.localhost"):
            return
        is_page = response.request.is_navigation_request()
        if response.status >= (500 if is_page else 400):
            self.faults.append(f"{response.url}: {response.status}")


def keep_screenshot(page: Page, name: str) -> None:
    """Keep what a page looks like for whoever reads a CI run; named by page, role and theme."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, animations="disabled")


def overflowing(page: Page) -> list[str]:
    """Return what makes a page wider than its window; nothing where it is not wider."""
    found: list[str] = page.evaluate(_OVERFLOWING)
    for _ in range(50):
        if not found:
            break
        # A figure is drawn anew some frames after its window has changed.
        page.wait_for_timeout(100)
        found = page.evaluate(_OVERFLOWING)
    return found
