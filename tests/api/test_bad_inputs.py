"""Bad inputs over HTTP against a real web process: both edges refuse alike, by status and code."""

from __future__ import annotations

import gzip
import http.client
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.models.imports import Import
from tests.conftest import Store, make_key
from tests.engine.importing import run_jobs, the_import
from tests.serving import committed_store, web_process

MEGABYTE = 1024 * 1024
BOUNDARY = "the-boundary"
DJANGO, INFERENCE = "/v1/events", "/v1/recommend/popular"
LATER = (datetime.now(UTC) + timedelta(hours=25)).isoformat()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Web:
    """A web process, and the store that it is asked for."""

    port: int
    pid: int
    store: Store

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        key: str | None = None,
    ) -> Answer:
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self.store.key}"}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=sent | dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def memory_bytes(self) -> int:
        """Return the most memory that the process has ever held."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024


@pytest.fixture(scope="module")
def web(migrated: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    log = tmp_path_factory.mktemp("web") / "web.log"
    with committed_store("Bad Inputs") as store, web_process(log) as (process, port):
        yield Web(port, process.pid, store)


def assert_problem(answer: Answer, status: int, code: str) -> Any:
    """Check an error as every client relies on it, and return its body."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.body[:300]
    problem = answer.json
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code), problem
    assert problem["type"].endswith(f"/docs/errors#{code}")
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.headers["X-Request-Id"]
    assert len(answer.body) < 5_000
    for inside in (b"<html", b"Traceback", b"SELECT ", b"psycopg", b".py"):
        assert inside not in answer.body
    return problem


def event(**members: Any) -> bytes:
    return orjson.dumps({"type": "view", "session_id": "s", "item_id": "i"} | members)


# A body for both edges: (body, headers, status, code).
BODIES: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "no JSON": (b"{", {}, 400, "malformed_json"),
    "NaN": (b'{"x": NaN}', {}, 400, "malformed_json"),
    "Infinity": (b'{"x": -Infinity}', {}, 400, "malformed_json"),
    "invalid UTF-8": (b'{"x": "\xff"}', {}, 400, "malformed_json"),
    "UTF-16": ('{"x": 1}'.encode("utf-16"), {}, 400, "malformed_json"),
    "a byte order mark": (b'\xef\xbb\xbf{"x": 1}', {}, 400, "malformed_json"),
    "a number of 4,301 digits": (b'{"limit":' + b"9" * 4301 + b"}", {}, 400, "malformed_json"),
    "a lone surrogate": (b'{"x": "\\ud800"}', {}, 400, "malformed_json"),
    "33 levels": (b"[" * 33 + b"]" * 33, {}, 400, "too_deep"),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, {}, 400, "too_deep"),
    "100,000 levels never closed": (b'{"a":' * 100_000, {}, 400, "too_deep"),
    "over 5 MB": (b" " * (5 * MEGABYTE + 1), {}, 413, "payload_too_large"),
    "100 MB in 100 kB": (
        gzip.compress(b" " * (100 * MEGABYTE)),
        {"Content-Encoding": "gzip"},
        413,
        "payload_too_large",
    ),
    "gzip cut off": (
        gzip.compress(b"{}")[:-4],
        {"Content-Encoding": "gzip"},
        400,
        "malformed_encoding",
    ),
    "no gzip": (b"{}", {"Content-Encoding": "gzip"}, 400, "malformed_encoding"),
    "brotli": (b"{}", {"Content-Encoding": "br"}, 415, "unsupported_encoding"),
    "a form": (
        b"a=1",
        {"Content-Type": "application/x-www-form-urlencoded"},
        415,
        "unsupported_media_type",
    ),
    "HTML wanted": (b"{}", {"Accept": "text/html"}, 406, "not_acceptable"),
}


@pytest.mark.parametrize("edge", [DJANGO, INFERENCE])
@pytest.mark.parametrize("name", BODIES)
def test_both_edges_refuse_a_body_alike(web: Web, edge: str, name: str) -> None:
    body, headers, status, code = BODIES[name]
    assert_problem(web.ask("POST", edge, body, headers), status, code)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_hostile_bodies_take_little_memory(web: Web) -> None:
    for edge in (DJANGO, INFERENCE):
        assert web.ask("POST", edge, b"{}").status in {200, 422}
    before = web.memory_bytes()
    for name in ("100 MB in 100 kB", "100,000 levels", "over 5 MB", "a number of 4,301 digits"):
        body, headers, status, _ = BODIES[name]
        for edge in (DJANGO, INFERENCE):
            assert web.ask("POST", edge, body, headers).status == status
    assert web.memory_bytes() - before < 64 * MEGABYTE


# Requests of one edge: (method, path, body, headers, status, code).
REQUESTS: dict[str, tuple[str, str, bytes, dict[str, str], int, str]] = {
    "an unknown path": ("GET", "/v1/nothing", b"", {}, 404, "not_found"),
    "an unknown path of calls": ("POST", "/v1/recommend/nothing", b"{}", {}, 404, "not_found"),
    "a wrong method": ("PUT", DJANGO, b"{}", {}, 405, "method_not_allowed"),
    "a wrong method with a query": (
        "TRACE",
        "/v1/items?limit=1",
        b"",
        {},
        405,
        "method_not_allowed",
    ),
    "a wrong method of a call": ("GET", INFERENCE, b"", {}, 405, "method_not_allowed"),
    "an unknown parameter": ("GET", "/v1/items?colour=red", b"", {}, 400, "invalid_parameter"),
    "a repeated parameter": ("GET", "/v1/items?limit=1&limit=2", b"", {}, 400, "invalid_parameter"),
    "a limit of 0": ("GET", "/v1/items?limit=0", b"", {}, 400, "invalid_parameter"),
    "a limit of 501": ("GET", "/v1/events?limit=501", b"", {}, 400, "invalid_parameter"),
    "a NUL in the query": ("GET", "/v1/events?user_id=a%00", b"", {}, 400, "invalid_parameter"),
    "an id of 257": ("GET", f"/v1/items/{'x' * 257}", b"", {}, 400, "invalid_parameter"),
    "a NUL in the path": ("GET", "/v1/items/a%00b", b"", {}, 400, "invalid_parameter"),
    "a NUL in a call": (
        "POST",
        INFERENCE,
        b'{"user_id": "a\\u0000"}',
        {},
        400,
        "invalid_parameter",
    ),
    "a long Idempotency-Key": (
        "POST",
        DJANGO,
        event(),
        {"Idempotency-Key": "k" * 256},
        400,
        "invalid_parameter",
    ),
    "an unknown member of a call": ("POST", INFERENCE, b'{"limt": 1}', {}, 400, "unknown_field"),
    "1,001 events": (
        "POST",
        DJANGO,
        orjson.dumps({"events": [{}] * 1001}),
        {},
        413,
        "batch_too_large",
    ),
    "1,001 items": (
        "POST",
        "/v1/items:batch",
        orjson.dumps({"items": [{}] * 1001}),
        {},
        413,
        "batch_too_large",
    ),
    "no token": ("GET", "/v1/me", b"", {"Authorization": ""}, 401, "invalid_token"),
    "no token of a call": ("POST", INFERENCE, b"{}", {"Authorization": ""}, 401, "invalid_token"),
    "a token without signature": (
        "GET",
        "/v1/me",
        b"",
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJ0aWQiOiJ4In0."},
        401,
        "invalid_token",
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_bad_request_is_refused(web: Web, name: str) -> None:
    method, path, body, headers, status, code = REQUESTS[name]
    answer = web.ask(method, path, body, headers)
    assert_problem(answer, status, code)
    assert status != 405 or "POST" in answer.headers["Allow"] or "GET" in answer.headers["Allow"]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


# Rows: (path, body, the code and the pointer of their error).
ROWS: dict[str, tuple[str, bytes, str, str]] = {
    "a NUL in a value": (DJANGO, event(user_id="a\0"), "invalid_text", "/user_id"),
    "a NUL in a name": (DJANGO, event(context={"a\0": 1}), "invalid_text", "/context"),
    "a NUL in a list": (
        "/v1/items:batch",
        orjson.dumps({"items": [{"id": "a", "title": "A", "categories": ["a\0"]}]}),
        "invalid_text",
        "/items/0/categories/0",
    ),
    "25 hours ahead": (DJANGO, event(ts=LATER), "timestamp_out_of_range", "/ts"),
    "a number for an id": (DJANGO, event(item_id=7), "invalid_type", "/item_id"),
    "an unknown type": (DJANGO, event(type="stare"), "unknown_event_type", "/type"),
    "a URL that runs": (
        "/v1/items:batch",
        orjson.dumps({"items": [{"id": "a", "title": "A", "url": "javascript:alert(1)"}]}),
        "invalid_url",
        "/items/0/url",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_bad_row_is_named_by_pointer_and_code(web: Web, name: str) -> None:
    path, body, code, pointer = ROWS[name]
    problem = assert_problem(web.ask("POST", path, body), 422, "rows_rejected")
    assert [(each["code"], each["pointer"]) for each in problem["errors"]] == [(code, pointer)]


def test_good_rows_beside_bad_ones_are_stored(web: Web) -> None:
    marked = {"type": "view", "user_id": "mixed", "item_id": "never-seen"}
    answer = web.ask("POST", DJANGO, orjson.dumps({"events": [marked, {"type": "stare"}]}))
    assert (answer.status, answer.json["accepted"], answer.json["rejected"]) == (202, 1, 1)
    stored = web.ask("GET", f"{DJANGO}?user_id=mixed").json["data"]
    assert [[item["id"] for item in each["items"]] for each in stored] == [["never-seen"]]


def test_an_event_id_counts_once_and_means_one_event(web: Web) -> None:
    sent = event(event_id="once", ts="2026-05-01T10:00:00Z")
    assert web.ask("POST", DJANGO, sent).json["accepted"] == 1
    assert web.ask("POST", DJANGO, sent).json["duplicates"] == 1
    other = web.ask("POST", DJANGO, event(event_id="once", ts="2026-05-01T10:00:01Z"))
    problem = assert_problem(other, 422, "rows_rejected")
    assert [each["code"] for each in problem["errors"]] == ["event_id_conflict"]


def test_an_idempotency_key_belongs_to_one_body(web: Web) -> None:
    headers = {"Idempotency-Key": "one"}
    assert web.ask("POST", DJANGO, event(user_id="a"), headers).status == 202
    answer = web.ask("POST", DJANGO, event(user_id="b"), headers)
    assert_problem(answer, 422, "idempotency_mismatch")


def test_script_is_stored_as_the_text_that_it_is(web: Web) -> None:
    title = "<script>alert(1)</script>"
    assert web.ask("PUT", "/v1/items/script", orjson.dumps({"title": title})).status == 201
    answer = web.ask("GET", "/v1/items/script")
    assert answer.json["title"] == title
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_may_neither_name_a_user_nor_write_the_catalogue(web: Web) -> None:
    key = make_key(web.store.live, kind="publishable", allowed_origins=[])
    answer = web.ask("POST", DJANGO, event(user_id="u"), key=key)
    assert_problem(answer, 403, "user_token_required")
    answer = web.ask("POST", INFERENCE, b'{"user_id": "u"}', key=key)
    assert_problem(answer, 403, "user_token_required")
    answer = web.ask("PUT", "/v1/items/x", b'{"title": "X"}', key=key)
    assert_problem(answer, 403, "insufficient_scope")


def send_file(web: Web, data: bytes, **members: str) -> Answer:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in ({"kind": "items"} | members).items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="../../f"\r\n\r\n'
    )
    body = b"".join([*parts, head.encode(), data, f"\r\n--{BOUNDARY}--\r\n".encode()])
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return web.ask("POST", "/v1/imports", body, {"Content-Type": kind})


def import_file(web: Web, data: bytes, **members: str) -> Import:
    answer = send_file(web, data, **members)
    assert answer.status == 202, answer.body
    run_jobs(web.store.live)
    return the_import(web.store.live, answer.json["id"])


HEADER = "id,title,url\n"
GOOD = "a,A,https://example.com\n"
# Files that are read: (data, accepted, errors by code).
FILES: dict[str, tuple[bytes, int, dict[str, int]]] = {
    "a byte order mark": (f"\ufeff{HEADER}{GOOD}".encode(), 1, {}),
    "UTF-16": (f"{HEADER}{GOOD}".encode("utf-16"), 1, {}),
    "CRLF": (f"{HEADER}{GOOD}".replace("\n", "\r\n").encode(), 1, {}),
    "an open quote": (f'{HEADER}b,"B,\n{GOOD}'.encode(), 1, {"bad_quoting": 1}),
    "script": (f"{HEADER}b,<script>,\n".encode(), 1, {}),
    "a URL that runs": (f"{HEADER}b,B,javascript:x\n{GOOD}".encode(), 1, {"invalid_url": 1}),
    "a line over 64 kB": (f"{HEADER}b,{'B' * 70_000},\n{GOOD}".encode(), 1, {"line_too_long": 1}),
    "a NUL": (f"{HEADER}b,B\0,\n{GOOD}".encode(), 1, {"invalid_text": 1}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_taken_but_for_its_bad_lines(web: Web, name: str) -> None:
    data, accepted, by_code = FILES[name]
    ended = import_file(web, data)
    assert (ended.status, ended.accepted, ended.errors_by_code) == ("completed", accepted, by_code)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + b"../../etc/passwd".ljust(40, b"\0"),
        gzip.compress(gzip.compress(HEADER.encode())),
        gzip.compress(HEADER.encode())[:-6],
        ",".join(f"c{number}" for number in range(201)).encode() + b"\n",
        b"\x00\x01\x02\x03" * 100,
    ],
    ids=["a zip with a path", "gzip in gzip", "gzip cut off", "201 columns", "no text"],
)
def test_a_file_that_cannot_be_read_fails_and_says_why(web: Web, data: bytes) -> None:
    ended = import_file(web, data)
    assert (ended.status, ended.accepted) == ("failed", 0)
    assert ended.error


def test_a_full_import_of_mostly_bad_lines_leaves_the_catalogue(web: Web) -> None:
    assert web.ask("PUT", "/v1/items/old", b'{"title": "Old"}').status in {200, 201}
    ended = import_file(web, f"{HEADER}n,N,\nm,M,javascript:x\n".encode(), mode="full")
    assert (ended.status, ended.deleted) == ("failed", 0)
    assert web.ask("GET", "/v1/items/old").status == 200
    assert web.ask("GET", "/v1/items/n").status == 404


def test_a_file_over_1_gb_is_refused_by_what_it_says(web: Web) -> None:
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(2 * 1024**3),
    }
    assert_problem(web.ask("POST", "/v1/imports", b"", headers), 413, "import_too_large")
