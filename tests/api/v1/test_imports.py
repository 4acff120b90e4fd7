"""Files over HTTP: what is taken, what is refused, and what a store is told afterwards."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.v1 import views
from engine.services.import_uploads import upload_path
from engine.services.remove_old_artifacts import artifacts_of
from tenants.models.environment import Environment
from tests.api.conftest import ApiClient, assert_problem
from tests.conftest import make_key
from tests.engine.importing import import_file, lost_after_the_commit, run_jobs

ITEMS = "id,title,price\nlamp,Lamp,12.90\nvase,Vase,3\n"
BOUNDARY = "part"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(file: str | None = ITEMS, *, boundary: str = BOUNDARY, **fields: str) -> bytes:
    """Return the body of a form with a file."""
    parts = [(name, value) for name, value in {"kind": "items", **fields}.items()]
    if file is not None:
        parts.append(('file"; filename="../../items.csv', file))
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts
    )
    return f"{body}--{boundary}--\r\n".encode()


def send(api: ApiClient, key: str, body: bytes | None = None, **sent: Any) -> Any:
    return api.post(
        "/v1/imports",
        key=key,
        body=form() if body is None else body,
        **{"content_type": FORM, **sent},
    )


def folders(environment: Environment) -> list[str]:
    """Return the ids of the imports whose files lie in the store."""
    return [path.name for path in artifacts_of(environment.pk).glob("imports/*")]


@pytest.fixture(autouse=True)
def no_uploads(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database, neither those of another test before."""
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


def test_a_file_is_taken_run_and_shown(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    taken = send(api, acorn_key)
    body = orjson.loads(taken.content)
    assert (taken.status_code, body["status"]) == (202, "queued")
    assert taken.headers["Location"] == f"/v1/imports/{body['id']}"
    path = upload_path(environment_id=acorn.pk, import_id=body["id"])
    assert path.read_text() == ITEMS
    run_jobs(acorn)
    shown = orjson.loads(api.get(taken.headers["Location"], key=acorn_key).content)
    assert shown["status"] == "completed"
    assert (shown["format"], shown["created"], shown["rows_total"]) == ("plain", 2, 2)
    assert shown["created_at"].endswith("Z")
    assert api.get("/v1/items/lamp", key=acorn_key).status_code == 200
    page = orjson.loads(api.get("/v1/imports", key=acorn_key).content)
    assert [each["id"] for each in page["data"]] == [body["id"]]


def test_errors_csv_has_a_line_for_each_bad_row_and_runs_no_formula(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    taken = send(api, acorn_key, form("id,title,price\na,A,=1+1\nb,B,\n,C,\n"))
    run_jobs(acorn)
    location = taken.headers["Location"]
    shown = orjson.loads(api.get(location, key=acorn_key).content)
    assert (shown["accepted"], shown["rejected"]) == (1, 2)
    assert [each["line"] for each in shown["sample_errors"]] == [2, 4]
    answer = api.get(f"{location}/errors.csv", key=acorn_key, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = io.StringIO(answer.getvalue().decode()).read().splitlines()
    assert lines[0] == "line,column,value,code,detail"
    assert lines[1].startswith("2,price,'=1+1,invalid_price,")
    assert lines[2].startswith("4,id,,missing_field,")
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "carts"}, "/kind"),
        ({"mode": "partial"}, "/mode"),
        ({"kind": "events", "mode": "full"}, "/mode"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"mapping": "[1]"}, "/mapping"),
        ({"mapping": '{"titel": "Name"}'}, "/mapping"),
        ({"dry_run": "perhaps"}, "/dry_run"),
    ],
)
def test_what_the_form_may_not_say_is_named(
    api: ApiClient, acorn: Environment, acorn_key: str, fields: dict[str, str], pointer: str
) -> None:
    body = assert_problem(send(api, acorn_key, form(**fields)), 400, "invalid_parameter")
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert folders(acorn) == []


def test_a_form_without_a_file_or_with_two_is_refused(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    body = assert_problem(send(api, acorn_key, form(None)), 400, "invalid_parameter")
    assert body["errors"][0]["pointer"] == "/file"
    two = form().replace(b"--part--\r\n", b"") + form()
    assert_problem(send(api, acorn_key, two), 400, "invalid_parameter")
    unmarked = send(api, acorn_key, content_type="multipart/form-data")
    assert_problem(unmarked, 400, "bad_request")
    assert_problem(send(api, acorn_key, form(surprise="1")), 400, "unknown_field")
    refused = send(api, acorn_key, b"{}", content_type="application/json")
    assert "multipart/form-data" in assert_problem(refused, 415, "unsupported_media_type")["detail"]
    assert folders(acorn) == []


def test_a_file_over_the_limit_is_refused_by_its_length_and_by_its_bytes(
    api: ApiClient, acorn: Environment, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.services.import_uploads.MAX_FILE_BYTES", 10)
    assert_problem(send(api, acorn_key), 413, "import_too_large")
    monkeypatch.setattr("api.v1.uploads.MAX_UPLOAD_BYTES", len(form()) - 1)
    assert_problem(send(api, acorn_key), 413, "import_too_large")
    assert folders(acorn) == []


@pytest.mark.parametrize("missing", [1, 4, 20])
def test_what_a_client_that_left_had_sent_is_no_file(
    api: ApiClient, acorn: Environment, acorn_key: str, missing: int
) -> None:
    """Django's parser takes the end of the bytes for the end of the file."""
    whole = form().removesuffix(b"\r\n")
    assert_problem(send(api, acorn_key, whole[:-missing]), 400, "bad_request")
    assert folders(acorn) == []
    assert send(api, acorn_key, whole + b"\r\n\r\n").status_code == 202


def test_a_file_that_is_sent_again_with_its_idempotency_key_is_imported_once(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    key = {"Idempotency-Key": "tonight"}
    first = send(api, acorn_key, headers=key)
    # A client that tries again draws a boundary of its own.
    again = send(
        api,
        acorn_key,
        form(boundary="other"),
        content_type="multipart/form-data; boundary=other",
        headers=key,
    )
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == first.content
    assert_problem(send(api, acorn_key, form("x"), headers=key), 422, "idempotency_mismatch")
    assert folders(acorn) == [orjson.loads(first.content)["id"]]


def test_a_file_whose_commit_was_answered_by_nobody_is_kept(
    api: ApiClient, acorn: Environment, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(views, "in_environment", lost_after_the_commit)
        assert_problem(send(api, acorn_key), 503, "storage_unavailable")
    run_jobs(acorn)
    (taken,) = api.get("/v1/imports", key=acorn_key).json()["data"]
    assert (taken["status"], taken["created"]) == ("completed", 2)


def test_a_key_imports_what_it_may_write(api: ApiClient, acorn: Environment) -> None:
    events = "type,user_id,item_id,ts\nview,u1,lamp,2024-05-01T13:02:11Z\n"
    key = make_key(acorn, scopes=["events:write", "events:read"])
    refused = assert_problem(send(api, key), 403, "insufficient_scope")
    assert refused["scope"] == "catalogue:write"
    taken = send(api, key, form(events, kind="events"))
    assert taken.status_code == 202
    assert api.get(taken.headers["Location"], key=key).status_code == 200
    items_key = make_key(acorn, scopes=["catalogue:write", "catalogue:read"])
    assert_problem(api.get(taken.headers["Location"], key=items_key), 403, "insufficient_scope")
    assert orjson.loads(api.get("/v1/imports", key=items_key).content)["data"] == []


def test_an_import_is_cancelled_and_confirmed_over_http(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    location = send(api, acorn_key).headers["Location"]
    assert_problem(api.post(f"{location}:confirm", key=acorn_key), 409, "conflict")
    cancelled = api.post(f"{location}:cancel", key=acorn_key)
    assert orjson.loads(cancelled.content)["status"] == "cancelled"
    import_file(acorn, ITEMS)
    waiting = import_file(acorn, "id,title\nlamp,Lamp\n", mode="full")
    confirmed = api.post(f"/v1/imports/{waiting.pk}:confirm", key=acorn_key)
    assert orjson.loads(confirmed.content)["status"] == "queued"
    run_jobs(acorn)
    assert api.get("/v1/items/vase", key=acorn_key).status_code == 404


def test_a_page_of_imports_costs_the_same_however_long_it_is(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    costs = []
    for _ in range(2):
        send(api, acorn_key)
        with CaptureQueriesContext(connection) as queries:
            api.get("/v1/imports", key=acorn_key)
        costs.append(len(queries))
    assert costs[0] == costs[1]
