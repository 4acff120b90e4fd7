"""The system's Chromium under Playwright, whose loop stays out of the other tests' way."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--no-sandbox",
    # A container's /dev/shm is often too small for it.
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP *.localhost 127.0.0.1",
)


@dataclass(frozen=True)
class Chromium:
    """A running browser, and the loop that Playwright speaks to it in."""

    browser: Browser
    loop: asyncio.AbstractEventLoop

    @contextmanager
    def in_use(self) -> Iterator[Browser]:
        """Give the browser for as long as nothing else in this thread needs a loop of its own."""
        with _running_loop(self.loop):
            yield self.browser


@contextmanager
def launched() -> Iterator[Chromium]:
    """Start Chromium; skip the test where there is none, or fail it where there must be one."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        missing = "There is no Chromium; install it, on Debian with: apt-get install chromium"
        if os.environ.get("SHELFWISE_TEST_BROWSER") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        with browser_left_alone():
            yield Chromium(browser, playwright._loop)
        browser.close()


@contextmanager
def browser_left_alone() -> Iterator[None]:
    """Do something that refuses to work beside a running loop, such as querying a database."""
    with _running_loop(None):
        yield


@contextmanager
def _running_loop(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    # Playwright leaves its loop marked as the thread's running one for as long as it lives, so
    # asyncio.run() and Django's queries would fail in every test that comes after.
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)
