"""The pages of these tests hear what goes wrong in them, else the others would prove nothing."""

from __future__ import annotations

import pytest

from tests.browser.accessibility import violations
from tests.browser.pages import Pages, overflowing
from tests.browser.site import Site


@pytest.mark.parametrize(
    ("deed", "heard"),
    [
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">')", "style-src"),
        (
            "document.head.append(Object.assign(document.createElement('script'),"
            " {textContent: 'window.ran = 1'}))",
            "Content Security Policy",
        ),
        ("setTimeout(() => { throw new Error('broken') })", "broken"),
        ("console.error('unwell')", "unwell"),
        ("fetch('/stores/acorn/nowhere')", "404"),
    ],
)
def test_what_goes_wrong_is_heard(site: Site, pages: Pages, deed: str, heard: str) -> None:
    page = pages.open()
    page.goto(site.address("keys/"))
    page.evaluate(f"() => {{ {deed} }}")
    for _ in range(200):
        if heard in " ".join(pages.faults):
            break
        page.wait_for_timeout(100)
    assert heard in " ".join(pages.faults)
    pages.faults.clear()


def test_what_cannot_be_read_and_does_not_fit_is_found(site: Site, pages: Pages) -> None:
    page = pages.open()
    page.goto(site.address("keys/"))
    page.evaluate("() => { document.querySelector('h1').outerHTML = '<img src=\"/x.png\">' }")
    assert any("image-alt" in each for each in violations(page))
    page.evaluate("() => { document.querySelector('main').style.width = '3000px' }")
    assert overflowing(page)
    pages.faults.clear()
