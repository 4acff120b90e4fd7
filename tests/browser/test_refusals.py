"""What a served portal does not do: show another store's pages, or believe another site's forms."""

from __future__ import annotations

from tests.browser.routes import PLACES
from tests.browser.site import Site


def test_another_stores_pages_are_not_there(site: Site) -> None:
    other = site.other.live.tenant
    with site.client("owner") as client:
        for name, place in PLACES.items():
            path = place.path
            assert client.get(site.path(path)).status_code == 200, name
            answer = client.get(site.path(path, slug=other.slug))
            assert answer.status_code == 404, name
            assert other.name not in answer.text
            unknown = client.get(site.path(path, slug="no-such-store"))
            assert unknown.status_code == 404, name


def test_a_form_without_its_token_changes_nothing(site: Site) -> None:
    with site.client("owner") as client:
        answer = client.post("/logout/")
        assert answer.status_code == 403
        assert "This form has expired" in answer.text
        assert client.get(site.path("live/")).status_code == 200
