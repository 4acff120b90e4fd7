"""An import from the uploaded file to the rows, and what a store is told about it."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from engine.models.event import Event
from engine.models.imports import Import, StagedRow
from engine.models.item import Item
from engine.selectors.imports import import_body
from engine.services import apply_import as applying
from engine.services import run_import as running
from engine.services.cancel_import import cancel_import
from engine.services.confirm_import import confirm_import
from engine.services.import_uploads import remove_old_uploads, upload_path
from engine.services.remove_old_artifacts import artifacts_of, remove_old_artifacts
from engine.services.write_items import put_item
from saas.lib.errors import Conflict
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.importing import (
    counts,
    import_file,
    row_errors,
    run_jobs,
    send_file,
    the_import,
)
from tests.webhooks import make_webhook, told

LAMPS = "id,title,price\n" + "".join(f"lamp-{n},Lamp {n},1{n}.90\n" for n in range(10))

# lamp-0 … lamp-9 without the last two, with a new one.
SMALLER = "".join(LAMPS.splitlines(keepends=True)[:9]) + "lamp-new,New lamp,1.00\n"


@pytest.fixture(autouse=True)
def no_uploads(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database."""
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk is three rows, so that ten rows are four of them."""
    monkeypatch.setattr("engine.files.open_rows.MAX_BATCH_ROWS", 3)
    monkeypatch.setattr("engine.services.apply_import.CHUNK_ROWS", 3)


def catalogue(environment: Environment) -> dict[str, str]:
    with in_environment(environment):
        rows = Item.objects.filter(deleted_at=None)
        return dict(rows.values_list("item_id", "title"))


def staged(environment: Environment) -> int:
    with in_environment(environment):
        return StagedRow.objects.count()


def test_a_file_of_items_is_written_and_counted(acorn: Environment) -> None:
    make_webhook(acorn)
    row = import_file(acorn, LAMPS)
    assert (row.status, row.rows_read, row.rows_total) == ("completed", 10, 10)
    ((event_type, data),) = told(acorn)
    assert (event_type, data["id"], data["accepted"]) == ("import.completed", row.pk, 10)
    assert counts(row) == {"accepted": 10, "created": 10}
    assert len(catalogue(acorn)) == 10
    again = import_file(acorn, LAMPS.replace("Lamp 3", "Tall lamp"))
    assert counts(again) == {"accepted": 10, "updated": 1, "unchanged": 9}
    assert catalogue(acorn)["lamp-3"] == "Tall lamp"


def test_each_bad_row_is_explained_by_its_line(acorn: Environment) -> None:
    row = import_file(acorn, "id,title,price\na,Lamp,12.90\nb,Vase,abc\nc,,3\nd,Pot\n")
    assert counts(row) == {"accepted": 1, "created": 1, "rejected": 3}
    assert row.errors_by_code == {"invalid_price": 1, "missing_field": 1, "wrong_cell_count": 1}
    assert row_errors(acorn) == [
        (3, "price", "abc", "invalid_price"),
        (4, "title", "", "missing_field"),
        (5, "", "Pot", "wrong_cell_count"),
    ]


def test_a_row_that_only_the_catalogue_refuses_is_explained_in_the_files_words(
    acorn: Environment,
) -> None:
    row = import_file(acorn, "sku,colour\nlamp,red\n", mapping={"id": "sku"})
    assert counts(row) == {"rejected": 1}
    assert row_errors(acorn) == [(2, "title", "", "missing_field")]


def test_events_of_a_file_are_stored_once_however_often_it_is_sent(acorn: Environment) -> None:
    text = "type,user_id,item_id,ts\n" + "".join(
        f"view,u{n},lamp-{n},2024-05-01 13:02:1{n}\n" for n in range(9)
    )
    first = import_file(acorn, text, kind="events", time_zone="Europe/Berlin")
    assert counts(first) == {"accepted": 9}
    again = import_file(acorn, text, kind="events", time_zone="Europe/Berlin")
    assert counts(again) == {"duplicates": 9}
    with in_environment(acorn):
        assert Event.objects.filter(source="import").count() == 9
        assert str(Event.objects.earliest("occurred_at").occurred_at) == "2024-05-01 11:02:10+00:00"


def test_a_column_that_is_left_out_of_events_is_named(acorn: Environment) -> None:
    text = "type,user_id,item_id,timestamp\nview,u1,lamp,2024-05-01T13:02:11Z\n"
    (warning,) = import_file(acorn, text, kind="events").warnings
    assert (warning["code"], warning["column"]) == ("ignored_column", "timestamp")
    assert "did you mean 'ts'?" in warning["detail"]
    assert import_file(acorn, LAMPS).warnings == []


def test_users_are_imported_too(acorn: Environment) -> None:
    row = import_file(acorn, "id,tier\nu1,gold\nu2,silver\n", kind="users")
    assert counts(row) == {"accepted": 2, "created": 2}


def test_a_file_that_cannot_be_read_fails_with_its_reason(acorn: Environment) -> None:
    make_webhook(acorn)
    row = import_file(acorn, "sku,name\nlamp,Lamp\n")
    assert row.status == "failed"
    ((event_type, data),) = told(acorn)
    assert (event_type, data["id"], data["error"]) == ("import.failed", row.pk, row.error)
    assert row.error is not None
    assert "no column 'id'" in row.error
    assert row.finished_at is not None


def test_an_import_whose_file_is_gone_fails_with_its_reason(acorn: Environment) -> None:
    import_id = send_file(acorn, LAMPS)
    shutil.rmtree(artifacts_of(acorn.pk))
    run_jobs(acorn)
    assert the_import(acorn, import_id).error == "The file is not kept any more; send it again."


class Crashed(BaseException):
    """The worker is gone: nothing catches this."""


def crash_at(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int, *, module: Any = running
) -> None:
    """Let the nth call of a function of a service end the worker, after its work is done."""
    calls = 0
    function = getattr(module, name)

    def crash(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        result = function(*args, **kwargs)
        if calls == number:
            raise Crashed
        return result

    monkeypatch.setattr(module, name, crash)


def release_lost_job(environment: Environment) -> None:
    with on_platform():
        Job.objects.filter(environment=environment, state="running").update(state="queued")


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.usefixtures("small_batches")
def test_after_a_crash_an_import_goes_on_at_the_chunk(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    import_id = send_file(acorn, LAMPS + "bad,,1\n")
    with monkeypatch.context() as patch:
        crash_at(patch, "_take", number)
        with pytest.raises(Crashed):
            run_jobs(acorn)
    # What the crash interrupted was rolled back whole.
    assert len(catalogue(acorn)) == the_import(acorn, import_id).rows_read == 3 * (number - 1)
    release_lost_job(acorn)
    run_jobs(acorn)
    row = the_import(acorn, import_id)
    assert (row.status, row.rows_read) == ("completed", 11)
    assert counts(row) == {"accepted": 10, "created": 10, "rejected": 1}
    assert len(row_errors(acorn)) == 1
    assert len(catalogue(acorn)) == 10


# Nine rows are written in three chunks, then two items are deleted in one.
@pytest.mark.parametrize("number", [1, 3, 4])
@pytest.mark.usefixtures("small_batches")
def test_after_a_crash_a_full_import_is_applied_as_without_it(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    import_file(acorn, LAMPS)
    import_id = send_file(acorn, SMALLER, mode="full")
    with monkeypatch.context() as patch:
        crash_at(patch, "write_import_rows", number, module=applying)
        with pytest.raises(Crashed):
            run_jobs(acorn)
    assert the_import(acorn, import_id).rows_applied == min(3 * (number - 1), 9)
    release_lost_job(acorn)
    run_jobs(acorn)
    row = the_import(acorn, import_id)
    assert row.status == "completed"
    assert counts(row) == {"accepted": 9, "created": 1, "unchanged": 8, "deleted": 2}
    assert len(catalogue(acorn)) == 9


@pytest.mark.usefixtures("small_batches")
def test_an_import_that_goes_forward_outlives_more_crashes_than_a_job_has_attempts(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = send_file(acorn, LAMPS)
    for _ in range(4):
        with monkeypatch.context() as patch:
            crash_at(patch, "_take", 2)
            with pytest.raises(Crashed):
                run_jobs(acorn)
        release_lost_job(acorn)
        if the_import(acorn, import_id).rows_read >= 9:
            break
    run_jobs(acorn)
    assert the_import(acorn, import_id).status == "completed"


@pytest.mark.usefixtures("small_batches")
def test_a_cancelled_import_stops_at_its_chunk_and_keeps_what_it_wrote(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = send_file(acorn, LAMPS)
    take = running._take
    calls = 0

    def take_then_cancel(*args: Any) -> None:
        nonlocal calls
        calls += 1
        take(*args)
        if calls == 2:
            # By another connection this would wait for the chunk's end; here it is in its midst.
            args[1].status = Import.Status.CANCELLED

    monkeypatch.setattr(running, "_take", take_then_cancel)
    run_jobs(acorn)
    row = the_import(acorn, import_id)
    assert (row.status, row.rows_read, len(catalogue(acorn))) == ("cancelled", 6, 6)
    with on_platform():
        assert Job.objects.get(environment=acorn).state == "done"


def test_an_import_that_is_cancelled_while_it_waits_does_nothing(acorn: Environment) -> None:
    import_id = send_file(acorn, LAMPS)
    with in_environment(acorn):
        cancel_import(environment=acorn, import_id=import_id)
        cancel_import(environment=acorn, import_id=import_id)
    run_jobs(acorn)
    assert the_import(acorn, import_id).status == "cancelled"
    assert catalogue(acorn) == {}


def test_what_has_ended_cannot_be_cancelled_or_confirmed(acorn: Environment) -> None:
    row = import_file(acorn, LAMPS)
    with in_environment(acorn):
        with pytest.raises(Conflict, match="completed"):
            cancel_import(environment=acorn, import_id=row.pk)
        with pytest.raises(Conflict, match="completed"):
            confirm_import(environment=acorn, import_id=row.pk)


@pytest.mark.usefixtures("small_batches")
def test_a_full_import_deletes_what_the_file_lacks(acorn: Environment) -> None:
    import_file(acorn, LAMPS)
    row = import_file(acorn, SMALLER.replace("Lamp 1", "Tall lamp"), mode="full")
    assert (row.status, row.would_delete) == ("completed", 2)
    assert counts(row) == {
        "accepted": 9,
        "created": 1,
        "updated": 1,
        "unchanged": 7,
        "deleted": 2,
    }
    assert sorted(catalogue(acorn)) == sorted([f"lamp-{n}" for n in range(8)] + ["lamp-new"])
    assert staged(acorn) == 0


def test_a_full_import_leaves_what_changed_since_it_began(acorn: Environment) -> None:
    import_file(acorn, LAMPS)
    send_file(acorn, SMALLER, mode="full")
    with in_environment(acorn):
        put_item(environment=acorn, item_id="lamp-9", members={"title": "Changed since"})
        put_item(environment=acorn, item_id="vase", members={"title": "New since"})
    run_jobs(acorn)
    assert "lamp-8" not in catalogue(acorn)
    assert {"lamp-9", "vase"} <= set(catalogue(acorn))


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.usefixtures("small_batches")
def test_a_full_import_deletes_nothing_for_a_bad_row(acorn: Environment, *, dry_run: bool) -> None:
    import_file(acorn, LAMPS)
    # One is refused by its cell, one by the catalogue, and one is not there.
    bad = LAMPS.replace("lamp-3,Lamp 3,13.90", "lamp-3,Lamp 3,abc")
    bad = bad.replace("lamp-4,Lamp 4,", "lamp-4,La\0mp,").replace(
        "lamp-9,Lamp 9,19.90", "lamp-new,New,1"
    )
    row = import_file(acorn, bad, mode="full", dry_run=dry_run)
    assert (row.status, row.would_delete) == ("completed", 1)
    assert counts(row) == {
        "accepted": 8,
        "created": 1,
        "unchanged": 7,
        "deleted": 1,
        "rejected": 2,
    }
    left = catalogue(acorn)
    assert (left["lamp-3"], left["lamp-4"]) == ("Lamp 3", "Lamp 4")
    assert ("lamp-9" in left) is dry_run


def test_a_full_import_that_would_delete_much_waits_for_a_word(acorn: Environment) -> None:
    import_file(acorn, LAMPS)
    few = "".join(LAMPS.splitlines(keepends=True)[:8])
    row = import_file(acorn, few, mode="full")
    assert (row.status, row.would_delete, row.finished_at) == ("needs_confirmation", 3, None)
    assert len(catalogue(acorn)) == 10
    with in_environment(acorn):
        confirm_import(environment=acorn, import_id=row.pk)
        with pytest.raises(Conflict, match="is being applied"):
            cancel_import(environment=acorn, import_id=row.pk)
    run_jobs(acorn)
    row = the_import(acorn, row.pk)
    assert (row.status, counts(row)) == (
        "completed",
        {"accepted": 7, "unchanged": 7, "deleted": 3},
    )
    assert len(catalogue(acorn)) == 7


def test_a_full_import_that_waits_can_be_cancelled(acorn: Environment) -> None:
    import_file(acorn, LAMPS)
    row = import_file(acorn, "id,title\nlamp-0,Lamp 0\n", mode="full")
    assert staged(acorn) == 1
    with in_environment(acorn):
        cancel_import(environment=acorn, import_id=row.pk)
    run_jobs(acorn)
    assert (staged(acorn), len(catalogue(acorn))) == (0, 10)
    assert the_import(acorn, row.pk).status == "cancelled"


def test_a_full_import_with_many_bad_rows_leaves_the_old_catalogue(acorn: Environment) -> None:
    import_file(acorn, LAMPS)
    # 3 of 10 rows: over 20 %.
    row = import_file(acorn, LAMPS.replace(",Lamp 7,", ",,").replace(",1", ",x", 2), mode="full")
    assert (row.status, row.rejected, len(catalogue(acorn))) == ("failed", 3, 10)
    assert row.error is not None
    assert row.error.startswith("3 of 10 rows are bad")
    assert staged(acorn) == 0


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("mode", ["incremental", "full"])
def test_a_dry_run_of_items_tells_what_a_real_one_does_and_changes_nothing(
    acorn: Environment, mode: str
) -> None:
    import_file(acorn, LAMPS)
    # The same ids again in later chunks: created, changed, left alone, and refused.
    text = (
        SMALLER
        + "lamp-new,Newer lamp,1.00\nlamp-1,Lamp 1,11.90\nlamp-1,,2\nlamp-new,Newer lamp,1\n"
    )
    before = catalogue(acorn)
    tried = import_file(acorn, text, mode=mode, dry_run=True)
    assert catalogue(acorn) == before
    assert staged(acorn) == 0
    errors = row_errors(acorn)
    real = import_file(acorn, text, mode=mode)
    assert catalogue(acorn) != before
    assert counts(tried) == counts(real)
    assert (tried.would_delete, tried.errors_by_code) == (real.would_delete, real.errors_by_code)
    assert row_errors(acorn) == errors * 2


@pytest.mark.usefixtures("small_batches")
def test_a_dry_run_of_events_tells_what_a_real_one_does_and_changes_nothing(
    acorn: Environment,
) -> None:
    lines = [f"view,u{n},lamp-{n},2024-05-01T13:02:1{n}Z,e{n},,\n" for n in range(4)]
    # Twice the same event, another event with its id, and an order's line told twice.
    lines += [lines[0], lines[1].replace("u1", "u2")]
    lines += [f"purchase,u1,lamp-1,2024-05-01T13:03:0{n}Z,p{n},order-1,line-1\n" for n in range(4)]
    lines += ["view,u1,lamp-1,2024-05-01T13:04:00Z,,,\n"] * 5
    text = "type,user_id,item_id,ts,event_id,order_id,line_id\n" + "".join(lines)
    tried = import_file(acorn, text, kind="events", dry_run=True)
    with in_environment(acorn):
        assert Event.objects.count() == 0
    real = import_file(acorn, text, kind="events")
    assert real.duplicates > 0
    assert real.rejected == 1
    assert counts(tried) == counts(real)


def test_trainings_leave_uploads_alone_and_a_week_removes_them(acorn: Environment) -> None:

    import_id = send_file(acorn, LAMPS)
    path = upload_path(environment_id=acorn.pk, import_id=import_id)
    with in_environment(acorn):
        remove_old_artifacts(environment_id=acorn.pk, live_version=None)
    now = timezone.now()
    with time_machine.travel(now + timedelta(days=6)):
        remove_old_uploads()
    assert path.exists()
    with time_machine.travel(now + timedelta(days=8)):
        remove_old_uploads()
    assert not path.exists()


def test_a_running_import_says_how_long_it_will_take(acorn: Environment) -> None:
    import_id = send_file(acorn, LAMPS)
    now = timezone.now()
    with in_environment(acorn):
        row = Import.objects.get(pk=import_id)
        assert "eta_seconds" not in import_body(import_id)
        row.status, row.stage_started_at, row.share_read = "running", now, 0.25
        row.save()
        with time_machine.travel(now + timedelta(seconds=30), tick=False):
            # A quarter took 30 s, three are left.
            assert import_body(import_id)["eta_seconds"] == 90


@pytest.mark.parametrize("broken", ['"lamp-9"x,"Lamp 9,19.90\n', "lamp-\xff,Lamp 9,19.90\n"])
def test_a_full_import_deletes_nothing_where_an_id_cannot_be_read(
    acorn: Environment, broken: str
) -> None:
    import_file(acorn, LAMPS)
    file = LAMPS.replace("lamp-9,Lamp 9,19.90\n", broken).encode("latin-1")
    row = import_file(acorn, file, mode="full")
    assert (row.status, row.would_delete, row.deleted) == ("completed", 0, 0)
    assert (row.rejected, row.accepted) == (1, 9)
    (warning,) = row.warnings
    assert warning["code"] == "deletions_left_out"
    assert "1 bad rows have no id" in warning["detail"]
    assert "lamp-9" in catalogue(acorn)


@pytest.mark.usefixtures("small_batches")
def test_an_import_that_takes_long_goes_on_in_other_tasks(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_file(acorn, LAMPS)
    # Each fourth chunk is a task's last.
    clock = cycle([0.0, 0.0, 0.0, math.inf])
    monkeypatch.setattr("engine.services.import_chunks.monotonic", lambda: next(clock))
    import_id = send_file(acorn, SMALLER, mode="full")
    # Three chunks are read and judged; then three are written, and so on.
    for stage in ("applying", "deleting", "deleting"):
        row = the_import(acorn, import_id)
        assert row.status in {"queued", "running"}
        run_jobs(acorn)
        assert the_import(acorn, import_id).stage == stage
    row = the_import(acorn, import_id)
    assert row.status == "completed"
    assert counts(row) == {"accepted": 9, "created": 1, "unchanged": 8, "deleted": 2}
