"""An import whose worker is killed in its midst ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from engine.models.event import Event
from engine.models.imports import Import
from tenants.context import in_environment, on_platform
from tenants.models.job import Job
from tests.chaos.processes import Process, wait_for
from tests.chaos.test_worker_crash import ENVIRONMENT
from tests.conftest import Store
from tests.engine.importing import counts, import_file, row_errors, send_file, the_import
from tests.serving import committed_store

KILLS = 1
# Four chunks; the last three would be missing or doubled if a crash were not repaired.
ROWS = 20_000
BAD = range(7, ROWS, 1_000)
REPEATED = range(10, ROWS, 500)


@pytest.fixture
def store(migrated: None) -> Iterator[Store]:
    """A store of its own, committed."""
    with committed_store("Import Crash") as made:
        yield made


@pytest.fixture
def dispatcher(store: Store, tmp_path: Path) -> Iterator[Process]:
    process = Process("manage.py", "dispatch", log=tmp_path / "dispatcher", environment=ENVIRONMENT)
    yield process
    process.kill()
    with on_platform():
        # It queued what the clock asks for, for every store there is.
        Job.objects.all().delete()


def events_file() -> str:
    """Return a file of marked events, some of them bad, some told twice."""
    lines = ["type,user_id,item_id,ts,event_id\n"]
    for number in range(ROWS):
        kind = "stare" if number in BAD else "view"
        marked = number - 1 if number in REPEATED else number
        line = f"{kind},u{marked % 97},item-{marked % 31},2024-05-01T13:02:11Z,e{marked}\n"
        lines.append(line)
    return "".join(lines)


def has_read_more(store: Store, import_id: str, rows: int) -> bool:
    row = the_import(store.live, import_id)
    assert row.status in {"queued", "running"}, row.error
    return row.rows_read > rows


def result(store: Store, row: Import) -> dict[str, object]:
    environment = store.live
    with in_environment(environment):
        rows = Event.objects.order_by("event_id").values_list("event_id", flat=True)
        stored = list(rows)
    return {
        "status": row.status,
        "rows": row.rows_read,
        "counts": counts(row),
        "by_code": row.errors_by_code,
        "errors": row_errors(environment),
        "stored": stored,
    }


def test_an_import_whose_worker_is_killed_ends_as_without_the_crash(
    store: Store, dispatcher: Process, tmp_path: Path
) -> None:
    text = events_file()
    import_id = send_file(store.live, text, kind="events")
    rows = 0
    for attempt in range(KILLS + 1):
        log = tmp_path / f"worker-{attempt}"
        worker = Process(
            "-m", "saas.worker", "--concurrency", "1", log=log, environment=ENVIRONMENT
        )
        try:
            if attempt < KILLS:
                wait_for("a chunk to be taken", partial(has_read_more, store, import_id, rows))
            else:
                wait_for(
                    "the import to end",
                    lambda: the_import(store.live, import_id).status == "completed",
                )
        finally:
            worker.kill()
        rows = the_import(store.live, import_id).rows_read
        assert attempt == KILLS or rows < ROWS, "too quick to be killed in its midst"
    crashed = result(store, the_import(store.live, import_id))
    assert crashed["counts"] == {
        "accepted": ROWS - len(BAD) - len(REPEATED),
        "duplicates": len(REPEATED),
        "rejected": len(BAD),
    }
    untouched = Store(live=store.test, test=store.live, key=store.test_key, test_key=store.key)
    assert crashed == result(untouched, import_file(store.test, text, kind="events"))
