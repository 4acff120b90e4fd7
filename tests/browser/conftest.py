"""A served portal, a browser, and pages that fail a test on anything that went wrong in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import Chromium, launched

if TYPE_CHECKING:
    from tests.browser.pages import Pages
    from tests.browser.site import Site


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
def pages(chromium: Chromium, site: Site) -> Iterator[Pages]:
    """Opens pages; at the end none of them may have failed at anything."""
    from tests.browser.pages import Pages

    with chromium.in_use() as browser:
        opened = Pages(browser, site)
        try:
            yield opened
        finally:
            opened.close()
        assert not opened.faults
