"""What a page offers to download arrives in the browser as a file."""

from __future__ import annotations

from tests.browser.pages import Pages
from tests.browser.site import Site


def test_the_audit_log_is_downloaded(site: Site, pages: Pages) -> None:
    page = pages.open("finance")
    page.goto(site.address("audit/"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert download.value.path().read_text().startswith("at,actor,action,object,reason")
