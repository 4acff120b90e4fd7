"""What single pages ask of the database; other pages have it among their own tests."""

from __future__ import annotations

import pytest

from tenants.models.environment import Environment
from tests.people import visitor
from tests.saas.portal.deeds import questions


@pytest.mark.parametrize(
    ("page", "count"),
    [
        ("/settings/", 5),
        ("/settings/delete/", 6),
        ("/settings/live/", 5),
        ("/settings/live/webhooks/", 5),
        ("/settings/live/privacy/", 6),
        ("/keys/live/new/secret/", 4),
    ],
)
def test_a_page_asks_a_fixed_number_of_questions(acorn: Environment, page: str, count: int) -> None:
    client = visitor(acorn.tenant)
    client.get(page)
    with questions() as asked:
        assert client.get(page).status_code == 200
    assert len(asked) == count, "\n".join(asked)
