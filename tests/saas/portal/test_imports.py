"""Imports in the browser: a file is uploaded to be tried out, and feeds bring others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone

from engine.services.remove_old_artifacts import artifacts_of
from saas.lib.ids import new_ulid
from saas.portal.pages import imports
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.feed import Feed
from tenants.models.person import Member
from tests.engine.importing import send_file
from tests.engine.statements import tenant_statements
from tests.people import visitor
from tests.saas.portal.uploading import (
    ITEMS,
    PAGE,
    form_address,
    send,
    shown,
    tried,
    without_uploads,
)

ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def owner(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


@pytest.fixture(autouse=True)
def _no_uploads(acorn: Environment) -> Iterator[None]:
    with without_uploads(acorn):
        yield


def test_the_form_is_refused_before_a_byte_is_read_without_its_ticket(
    owner: Client, acorn: Environment, birch: Environment
) -> None:
    address = form_address(owner)
    stranger = visitor(acorn.tenant, Member.Role.DEVELOPER)
    tests = address.replace("/live/", "/test/")
    for client, target in (
        (owner, "/live/imports/upload/"),
        (owner, f"{address}x"),
        (owner, tests),
        (stranger, address),
    ):
        answer = send(client, address=target)
        assert answer.status_code == 302
        assert "upload" not in answer.headers["Location"]
    assert list(artifacts_of(acorn.pk).glob("imports/*")) == []
    assert send(owner, address=address).headers["Location"].startswith(PAGE)


@pytest.mark.parametrize(
    ("file", "fields", "sentence", "field"),
    [
        (ITEMS, {"kind": "events", "mode": "full"}, "only items are replaced as a whole", "mode"),
        (ITEMS, {"timezone": "Mars/Olympus"}, "send an IANA name", "timezone"),
        (ITEMS, {"kind": "carts"}, "Choose the kind of the file.", "kind"),
        ('[{"id": "a"}]', {}, "begins with a JSON list", "file"),
        ("", {}, "The file is empty", "file"),
    ],
)
def test_a_refusal_stands_at_the_field_that_it_is_about(
    owner: Client, acorn: Environment, file: str, fields: dict[str, str], sentence: str, field: str
) -> None:
    answer = send(owner, file, **fields)
    assert answer.status_code in {400, 422}
    _, _, rest = answer.content.decode().partition(f'id="{field}"')
    assert sentence in (rest or answer.content.decode())
    assert list(artifacts_of(acorn.pk).glob("imports/*")) == []


def test_a_form_without_a_file_asks_for_one(owner: Client) -> None:
    answer = owner.post(form_address(owner), {"kind": "items", "mode": "full", "format": "auto"})
    assert answer.status_code == 400
    assert "Choose the file to upload." in answer.content.decode()


def test_feeds_are_listed_with_their_next_run_and_run_now(
    owner: Client, acorn: Environment
) -> None:
    now = timezone.now()
    with on_platform():
        feed = Feed.objects.create(
            id=new_ulid(),
            environment=acorn,
            url="https://acorn.example/products.csv",
            kind="items",
            format="auto",
            mode="incremental",
            every="24h",
            created_at=now,
            next_run_at=now,
            run_status="failed",
            run_error_code="fetch_failed",
            run_error=ATTACK,
            failures=3,
        )
    text = shown(owner, PAGE)
    assert "https://acorn.example/products.csv" in text
    assert "3 times in a row" in text
    assert ATTACK not in text
    run = owner.post(f"{PAGE}feeds/{feed.pk}/run/", follow=True)
    assert "The feed is being looked at." in run.content.decode()


def test_an_analyst_looks_and_changes_nothing(acorn: Environment) -> None:
    page = tried(visitor(acorn.tenant), acorn)
    analyst = visitor(acorn.tenant, Member.Role.ANALYST)
    assert "Upload a file" not in shown(analyst, PAGE)
    assert "Import 2 rows" not in shown(analyst, page)
    assert analyst.post(f"{PAGE}upload/").status_code == 403
    assert analyst.post(f"{page}apply/").status_code == 403
    finance = visitor(acorn.tenant, Member.Role.FINANCE)
    assert [finance.get(path).status_code for path in (PAGE, page)] == [403, 403]


def test_a_page_asks_the_store_few_things(
    owner: Client, acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PAGE", 2)
    for _ in range(2):
        send_file(acorn, ITEMS)
    page = tried(owner, acorn)
    asked = {}
    for path in (PAGE, page):
        with tenant_statements() as statements:
            shown(owner, path)
        asked[path] = len(statements)
    assert asked == {PAGE: 1, page: 5}
    assert "Older" in shown(owner, PAGE)
