"""A served portal, a browser, and pages that fail a test on anything that went wrong in them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import Chromium, launched

if TYPE_CHECKING:
    from tests.browser.pages import Pages
    from tests.browser.site import Site

_HAS_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_HAS_FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def site(migrated: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from tests.browser.site import served_site

    with served_site(tmp_path_factory.mktemp("browser") / "web.log") as served:
        yield served


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with launched() as started:
        yield started


@pytest.fixture
def new_pages(chromium: Chromium, request: pytest.FixtureRequest) -> Iterator[Pages]:
    """Opens pages in which nobody is logged in; at the end none may have failed at anything."""
    from tests.browser.pages import Pages

    with chromium.in_use() as browser:
        opened = Pages(browser)
        try:
            yield opened
            if request.node.stash[_HAS_FAILED]:
                opened.keep_screenshots(f"failed-{request.node.name}")
        finally:
            opened.close()
        assert not opened.faults


@pytest.fixture
def pages(site: Site, new_pages: Pages) -> Pages:
    """Opens pages of the site, as its members see them."""
    new_pages.site = site
    return new_pages
