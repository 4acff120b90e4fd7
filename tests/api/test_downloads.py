"""Files over links: whoever holds one fetches its file, until it expires, and nothing else."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.downloads import send_download
from saas.lib.config import config
from saas.lib.download_links import (
    KEPT,
    LINK_LIVES,
    LINK_PATH,
    Download,
    download_of,
    link_to,
    remove_old_downloads,
)
from saas.lib.ids import new_ulid

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CONTENT = b"id,title\nlamp,Lamp\n"
# No environment has it.
NOBODY = 2**40


@pytest.fixture
def moment() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


@pytest.fixture
def download(moment: Any) -> Iterator[Download]:
    made = Download(environment_id=NOBODY, id=new_ulid(), name="items.csv")
    made.path.parent.mkdir(parents=True)
    made.path.write_bytes(CONTENT)
    yield made
    shutil.rmtree(config().artifacts / str(NOBODY))


def fetch(path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(send_download)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(ask())


def assert_opens_nothing(answer: httpx.Response) -> None:
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.json()["instance"] == answer.headers["X-Request-Id"]


def test_a_link_sends_the_file_for_saving_and_for_no_cache(download: Download) -> None:
    answer = fetch(link_to(download, now=NOW).path)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Length": str(len(CONTENT)),
        "Content-Disposition": 'attachment; filename="items.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    assert {name: answer.headers[name] for name in headers} == headers
    assert answer.headers["X-Request-Id"].startswith("req_")


def test_a_download_that_broke_off_goes_on_where_it_was(download: Download) -> None:
    path = link_to(download, now=NOW).path
    rest = fetch(path, Range="bytes=9-")
    assert (rest.status_code, rest.content) == (206, CONTENT[9:])
    assert rest.headers["Content-Range"] == f"bytes 9-{len(CONTENT) - 1}/{len(CONTENT)}"


@pytest.mark.parametrize("text", ["bytes=99-", "bytes=9-3", "rows=1-2", "bytes=-5", "bytes=0-1,3-"])
def test_a_range_that_is_not_served_is_left_aside(download: Download, text: str) -> None:
    answer = fetch(link_to(download, now=NOW).path, Range=text)
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_head_tells_the_size_and_sends_nothing(download: Download) -> None:
    answer = fetch(link_to(download, now=NOW).path, method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))


def test_a_link_is_only_for_reading(download: Download) -> None:
    answer = fetch(link_to(download, now=NOW).path, method="POST")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.json()["code"] == "method_not_allowed"


def test_a_link_ends_after_an_hour(download: Download, moment: Any) -> None:
    link = link_to(download, now=NOW)
    assert link.expires_at == NOW + LINK_LIVES
    moment.shift(LINK_LIVES - timedelta(seconds=1))
    assert fetch(link.path).status_code == 200
    moment.shift(timedelta(seconds=1))
    assert_opens_nothing(fetch(link.path))


def test_a_link_never_outlives_its_file(download: Download) -> None:
    at_the_end = download.kept_until - timedelta(minutes=1)
    assert link_to(download, now=at_the_end).expires_at == download.kept_until.replace(
        microsecond=0
    )


def test_a_tampered_link_opens_nothing(download: Download) -> None:
    path = link_to(download, now=NOW).path
    head, payload, signature = path.removeprefix(LINK_PATH).split(".")
    other = link_to(Download(environment_id=NOBODY + 1, id=new_ulid(), name="x"), now=NOW).path
    forged = [
        f"{head}.{other.split('.')[1]}.{signature}",
        f"{head}.{payload}.{signature[::-1]}",
        f"{head}.{payload}.",
        f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.",
        "",
        "..%2f..%2fetc%2fpasswd",
        "%00",
    ]
    for token in forged:
        assert_opens_nothing(fetch(LINK_PATH + token))


def test_another_signature_of_ours_is_no_link(download: Download) -> None:
    import jwt

    claims = {"aud": "shelfwise-download", "exp": 2**33, "env": NOBODY, "file": "../../x"}
    token = jwt.encode(claims, config().secret_key, algorithm="HS256")
    assert download_of(token) is None


def test_a_link_to_a_file_that_is_gone_opens_nothing(download: Download) -> None:
    path = link_to(download, now=NOW).path
    download.path.unlink()
    assert_opens_nothing(fetch(path))


def test_files_go_when_their_time_is_over_and_no_sooner(download: Download, moment: Any) -> None:
    moment.shift(KEPT - timedelta(seconds=1))
    remove_old_downloads()
    assert download.path.exists()
    moment.shift(timedelta(seconds=2))
    assert remove_old_downloads() == 1
    assert not download.path.parent.exists()
