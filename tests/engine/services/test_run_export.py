"""Exports: every row, in a form that an import takes back without changing anything."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from engine.selectors import export_rows
from engine.selectors.exports import download_of_export
from engine.services import run_export
from engine.services.ingest_events import ingest_events
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.write_items import write_items
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.exporting import content_of, write_export
from tests.engine.importing import counts, import_file, row_errors

FORMATS = ("csv", "ndjson", "parquet")
RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
ITEMS: list[dict[str, Any]] = [
    {"id": "lamp", "title": "Lamp", "price": "12.90", "list_price": "1.299", "currency": "EUR"},
    {
        "id": "=2+3",
        "title": "=cmd|' /C calc'!A0",
        "brand": "+49",
        "description": "-5 °C\r\nor less",
    },
    {"id": "-7", "title": "@home, \"quoted\"; 'so'", "categories": ["Home > Kitchen", "=Gifts"]},
    {
        "id": "a/b c",
        "title": "Vase",
        "in_stock": False,
        "recommendable": False,
        "available_from": "2026-01-01T00:00:00.25+01:00",
        "url": "https://shop.example/vase?a=1,2",
        "image_url": "https://shop.example/vase.jpg",
        "group_id": "vases",
        "aliases": ["feed-17", "-18"],
        "attributes": {"colour": "=red", "height": 24.5, "fragile": True, "tags": ["a", "b"]},
        "source_updated_at": "2026-05-01T12:00:00Z",
    },
]
EVENTS: list[dict[str, Any]] = [
    {"type": "view", "user_id": "-u1", "item_id": "=2+3", "ts": "2026-05-01T13:02:11+02:00"},
    {"type": "view", "user_id": "u1", "item_id": "lamp", "ts": "2026-05-01T13:02:11+02:00"},
    {"type": "search", "anonymous_id": "a1", "query": "=lamp", "event_id": "s1"},
    {
        "type": "purchase",
        "user_id": "u1",
        "anonymous_id": "a1",
        "session_id": "s",
        "ts": "2026-05-01T14:00:00.125Z",
        "event_id": "order-9",
        "order_id": "9",
        "items": [
            {"id": "lamp", "quantity": 2, "price": 12.9},
            {"id": "unknown", "quantity": 1.125, "price": "1.299", "line_id": "2"},
        ],
        "value": "27.099",
        "currency": "EUR",
        "context": {"page": "=1", "depth": 3},
    },
    {
        "type": "cart",
        "session_id": "s",
        "item_id": "lamp",
        "quantity": 1.125,
        "price": "9.999",
        "placement": "home",
        "recommendation_id": "01J",
        "ts": "2026-05-01T14:00:00.125Z",
    },
    {"type": "category_view", "session_id": "s", "category": "Home > Kitchen"},
    {"type": "custom:wave", "session_id": "s"},
]


@pytest.fixture(autouse=True)
def no_files(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database."""
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


@pytest.fixture
def items(acorn: Environment) -> None:
    with in_environment(acorn):
        write_items(environment=acorn, rows=[*ITEMS, {"id": "gone", "title": "Gone"}])
        write_items(environment=acorn, rows=[{"id": "gone", "deleted": True}])


@pytest.fixture
def events(acorn: Environment) -> None:
    with in_environment(acorn):
        ingest_events(environment=acorn, rows=EVENTS, received_at=RECEIVED)


def lines_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_import_of_exported_items_changes_nothing(
    acorn: Environment, items: None, file_format: str
) -> None:
    export = write_export(acorn, kind="items", file_format=file_format)
    assert (export.status, export.rows_written) == ("completed", len(ITEMS))
    taken = import_file(acorn, content_of(export), kind="items")
    assert row_errors(acorn) == []
    assert (taken.status, counts(taken)) == (
        "completed",
        {"accepted": len(ITEMS), "unchanged": len(ITEMS)},
    )


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_import_of_exported_events_finds_duplicates_alone(
    acorn: Environment, events: None, file_format: str
) -> None:
    export = write_export(acorn, kind="events", file_format=file_format)
    assert (export.status, export.rows_written) == ("completed", len(EVENTS))
    taken = import_file(acorn, content_of(export), kind="events")
    assert row_errors(acorn) == []
    assert (taken.status, counts(taken)) == ("completed", {"duplicates": len(EVENTS)})


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_import_elsewhere_makes_the_same_export(
    acorn: Environment, acorn_test: Environment, items: None, events: None, file_format: str
) -> None:
    for kind in ("items", "events"):
        original = content_of(write_export(acorn, kind=kind, file_format=file_format))
        import_file(acorn_test, original, kind=kind)
        copy = content_of(write_export(acorn_test, kind=kind, file_format=file_format))
        assert copy == original
    shutil.rmtree(artifacts_of(acorn_test.pk))


def test_no_cell_is_a_formula_and_numbers_stay_numbers(
    acorn: Environment, items: None, events: None
) -> None:
    cells = {row["id"]: row for row in lines_of(content_of(write_export(acorn, kind="items")))}
    assert cells["'=2+3"]["title"] == "'=cmd|' /C calc'!A0"
    assert cells["'=2+3"]["brand"] == "'+49"
    assert cells["'=2+3"]["description"] == "'-5 °C\r\nor less"
    assert cells["'-7"]["title"] == "'@home, \"quoted\"; 'so'"
    assert cells["lamp"]["price"] == "12.90"
    assert cells["lamp"]["list_price"] == "1.2990"
    for row in [*cells.values(), *lines_of(content_of(write_export(acorn, kind="events")))]:
        assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_ndjson_has_an_object_of_the_api_on_each_line(acorn: Environment, events: None) -> None:
    text = content_of(write_export(acorn, kind="events", file_format="ndjson"))
    rows = {row["event_id"]: row for row in map(orjson.loads, text.splitlines())}
    assert rows["order-9"] == {
        "type": "purchase",
        "event_id": "order-9",
        "user_id": "u1",
        "anonymous_id": "a1",
        "session_id": "s",
        "ts": "2026-05-01T14:00:00.125000Z",
        "order_id": "9",
        "items": [
            {"id": "lamp", "quantity": 2, "price": "12.90"},
            {"id": "unknown", "quantity": 1.125, "price": "1.2990", "line_id": "2"},
        ],
        "value": "27.0990",
        "currency": "EUR",
        "context": {"page": "=1", "depth": 3},
    }


def test_parquet_has_types(acorn: Environment, items: None) -> None:
    export = write_export(acorn, kind="items", file_format="parquet")
    schema = pq.read_schema(download_of_export(export).path)
    types = {name: str(schema.field(name).type) for name in ("price", "in_stock", "categories")}
    assert types == {
        "price": "decimal128(14, 4)",
        "in_stock": "bool",
        "categories": "list<element: string>",
    }


@pytest.mark.parametrize("kind", ["items", "events"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_store_without_rows_gets_a_file_without_rows(
    acorn: Environment, kind: str, file_format: str
) -> None:
    export = write_export(acorn, kind=kind, file_format=file_format)
    assert (export.status, export.rows_written) == ("completed", 0)
    content = content_of(export)
    assert export.bytes == len(content)
    if file_format == "csv":
        assert content.startswith(b"id,title," if kind == "items" else b"type,user_id,item_id,ts,")


def test_pages_hold_each_row_once_and_no_event_is_cut(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_rows, "ITEMS_AT_ONCE", 2)
    monkeypatch.setattr(export_rows, "EVENT_LINES_AT_ONCE", 4)
    with in_environment(acorn):
        write_items(environment=acorn, rows=[{"id": f"i{n}", "title": "T"} for n in range(5)])
        rows = [
            {
                "type": "purchase",
                "order_id": str(number),
                "event_id": f"e{number}",
                "ts": "2026-05-01T14:00:00Z",
                "items": [{"id": f"i{line}"} for line in range(1 + number % 3)],
            }
            for number in range(11)
        ]
        ingest_events(environment=acorn, rows=rows, received_at=RECEIVED)
    written = lines_of(content_of(write_export(acorn, kind="items")))
    assert [row["id"] for row in written] == [f"i{n}" for n in range(5)]
    events = lines_of(content_of(write_export(acorn, kind="events")))
    assert sorted(row["event_id"] for row in events) == sorted(f"e{n}" for n in range(11))
    for row in events:
        lines = len(orjson.loads(row["items"])) if row["items"] else 1
        assert lines == 1 + int(row["order_id"]) % 3


def test_an_export_whose_worker_died_is_written_anew(
    acorn: Environment, items: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("in the midst")

    with monkeypatch.context() as broken:
        broken.setattr(run_export, "_end", die)
        export = write_export(acorn, kind="items")
    assert export.status == "running"
    folder = download_of_export(export).path.parent
    assert list(folder.iterdir()) == []
    from engine import tasks

    with on_platform():
        Job.objects.update(run_after=RECEIVED)
        job = Job.objects.get(payload__export_id=export.pk)
        tasks.run_export(job_id=job.pk, environment_id=acorn.pk)
    export.refresh_from_db()
    assert (export.status, export.rows_written) == ("completed", len(ITEMS))
    assert [path.name for path in folder.iterdir()] == ["items.csv"]


def test_an_export_that_fails_for_good_says_so(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out_of_memory(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(run_export, "_write", run_out_of_memory)
    export = write_export(acorn, kind="items")
    assert (export.status, export.error) == (
        "failed",
        "It needs more time or memory than one job may have.",
    )
