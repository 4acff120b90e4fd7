"""The pages of people: no API key opens any of them."""

from __future__ import annotations

import re

import pytest
from django.test import override_settings

from tests.api.conftest import make_client
from tests.conftest import Store
from tests.isolation.routes import patterns_of

URLCONFS = ["saas.portal.urls", "saas.staff.urls"]
# Shown to everybody: the ways in.
OPEN = {
    "/login/",
    "/logout/",
    "/sign-up/",
    "/account/closed/",
    "/account/confirm/",
    "/password/reset/",
    "/password/reset/sent/",
    "/password/reset/done/",
    "/invitations/1/",
}


def paths(urlconf: str) -> list[str]:
    """Return a path for each route, with something in each parameter's place."""
    templates = [template for template, _ in patterns_of(urlconf)]
    return sorted({re.sub(r"<[^>]+>|\(\?P<.*\)", "1", each).strip("^$?") for each in templates})


@pytest.mark.parametrize("urlconf", URLCONFS)
@pytest.mark.parametrize("actor", ["owner", "outsider", "nobody"])
def test_every_page_asks_for_a_login(
    database: None, urlconf: str, actor: str, acorn_store: Store, birch_store: Store
) -> None:
    keys = {"owner": acorn_store.key, "outsider": birch_store.key, "nobody": None}
    headers = {"Authorization": f"Bearer {keys[actor]}"} if keys[actor] else {}
    client = make_client()
    asked = paths(urlconf)
    assert asked
    for path in asked:
        with override_settings(ROOT_URLCONF=urlconf):
            answer = client.get(path, headers=headers)
        if path in OPEN:
            assert answer.status_code in {200, 302, 404, 405}, path
        elif answer.status_code != 404:
            assert answer.status_code == 302, path
            assert "login" in answer.headers["Location"], path
        assert b"Acorn" not in answer.content, path
