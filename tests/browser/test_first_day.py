"""A shop's whole first day, as its owner spends it: in a browser, against every real process."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from playwright.sync_api import Page, expect

from saas.lifecycle.sample.book_store import ACORN_BOOKS
from saas.lifecycle.sample.store import SMALL, make_sample_store
from tests.browser.chromium import Chromium
from tests.browser.pages import Pages
from tests.browser.whole_service import Service, whole_service
from tests.chaos.processes import wait_for

DOMAIN = f"cedar-{secrets.token_hex(3)}.example"
OWNER, ANALYST = f"ann@{DOMAIN}", f"ben@{DOMAIN}"
PASSWORD = "correct horse battery"
# What takes a job: a training, an import, a store; on a machine that does much else.
JOB_MS = 60_000


@pytest.fixture
def service(
    chromium: Chromium, migrated: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    with whole_service(tmp_path, monkeypatch, people=DOMAIN) as running:
        yield running


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The shop's own catalogue and past events, as it would export them."""
    ends_at = datetime.now(tz=UTC) - timedelta(hours=1)
    sample = make_sample_store(spec=ACORN_BOOKS, size=SMALL, ends_at=ends_at, seed=7)
    return {
        "items": written(tmp_path / "items.ndjson", sample.items()),
        "events": written(tmp_path / "events.ndjson", sample.events()),
    }


def written(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


def test_a_shops_first_day(service: Service, files: dict[str, Path], new_pages: Pages) -> None:
    page = new_pages.open(None)
    sign_up(page, service)
    call_with_the_first_key(page, service)
    store = page.url.removesuffix("test/get-started/")
    for kind, file in files.items():
        upload(page, store, kind, file)
    train(page, store)
    see_recommendations(page, store)
    invite(page, store)
    join(new_pages.open(None), service, store)
    change_plan(page, store)


def sign_up(page: Page, service: Service) -> None:
    page.goto(f"{service.portal}/sign-up/")
    page.get_by_label("Name of your store").fill("Cedar Tea")
    page.get_by_label("E-mail").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(service.mailed_link("account/confirm/"))
    page.get_by_role("button", name="Yes, confirm it").click()
    expect(page.get_by_role("heading", name="Cedar Tea is ready")).to_be_visible(timeout=JOB_MS)


def call_with_the_first_key(page: Page, service: Service) -> None:
    page.get_by_role("button", name="Make my first test key").click()
    key = page.locator("#snippet-key").inner_text()
    answer = httpx.post(
        f"http://127.0.0.1:{service.port}/v1/recommend/popular",
        headers={"Authorization": f"Bearer {key}"},
        json={},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["items"]


def upload(page: Page, store: str, kind: str, file: Path) -> None:
    page.goto(f"{store}live/imports/")
    page.get_by_label("What it holds").select_option(kind)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and check").click()
    page.get_by_role("button", name=re.compile(r"^Import [\d,]+ rows")).click(timeout=JOB_MS)
    expect(page.get_by_text("were taken")).to_be_visible(timeout=JOB_MS)


def train(page: Page, store: str) -> None:
    page.goto(f"{store}live/models/")
    page.get_by_role("button", name="Train now").click()
    expect(page.locator("#training")).to_contain_text("and made", timeout=JOB_MS)
    page.reload()
    expect(page.get_by_role("cell", name="champion")).to_be_visible()


def see_recommendations(page: Page, store: str) -> None:
    page.goto(f"{store}live/explore/")
    page.locator("section", has_text="Shoppers who came lately").get_by_role("link").first.click()
    expect(page.locator("ol.picks > li").first).to_be_visible()


def invite(page: Page, store: str) -> None:
    page.goto(f"{store}team/")
    page.get_by_label("E-mail").fill(ANALYST)
    page.get_by_role("radio", name=re.compile("^analyst")).check()
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("rowheader", name=ANALYST)).to_be_visible()


def join(page: Page, service: Service, store: str) -> None:
    page.goto(service.mailed_link("invitations/"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join the store").click()
    expect(page.get_by_role("navigation", name="Store")).to_be_visible()
    assert page.url.startswith(store)
    assert page.get_by_role("link", name="API keys").count() == 0


def change_plan(page: Page, store: str) -> None:
    page.goto(f"{store}usage/")
    page.get_by_role("button", name=re.compile("Starter")).click()
    page.get_by_role("button", name="Pay", exact=True).click()
    page.wait_for_url(re.compile("/usage/"))

    def has_changed() -> bool:
        page.reload()
        row = page.get_by_role("row", name=re.compile("Starter"))
        return row.get_by_role("button").count() == 0

    wait_for("the plan to change", has_changed, seconds=60)
