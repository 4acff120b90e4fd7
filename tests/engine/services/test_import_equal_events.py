"""Equal events without an id: as many as the file holds, once, however it is cut or sent again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from engine.models.event import Event
from engine.services.remove_old_artifacts import artifacts_of
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.engine.importing import counts, import_file, run_jobs, send_file, the_import
from tests.engine.services.test_run_import import Crashed, crash_at, release_lost_job

VIEW = "view,u1,lamp,2024-05-01T13:02:11Z\n"
# Ten rows in chunks of three: five equal ones, one or two in each chunk.
ROWS = "type,user_id,item_id,ts\n" + "".join(
    VIEW if number % 2 else VIEW.replace("u1", f"other{number}") for number in range(10)
)


@pytest.fixture(autouse=True)
def small_batches(acorn: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("engine.files.open_rows.MAX_BATCH_ROWS", 3)
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


def views_of_u1(environment: Environment) -> int:
    with in_environment(environment):
        return Event.objects.filter(user__external_id="u1").count()


def test_equal_events_in_different_chunks_are_as_many_events(acorn: Environment) -> None:
    assert counts(import_file(acorn, ROWS, kind="events")) == {"accepted": 10}
    assert views_of_u1(acorn) == 5


def test_the_same_file_again_brings_nothing_new(acorn: Environment) -> None:
    import_file(acorn, ROWS, kind="events")
    assert counts(import_file(acorn, ROWS, kind="events")) == {"duplicates": 10}


def test_a_longer_file_brings_only_what_is_new_in_it(acorn: Environment) -> None:
    import_file(acorn, ROWS, kind="events")
    longer = import_file(acorn, ROWS + VIEW + VIEW, kind="events")
    assert counts(longer) == {"accepted": 2, "duplicates": 10}
    assert views_of_u1(acorn) == 7


def test_a_dry_run_counts_them_as_the_import_does(acorn: Environment) -> None:
    dry = import_file(acorn, ROWS, kind="events", dry_run=True)
    assert counts(dry) == {"accepted": 10}
    assert views_of_u1(acorn) == 0


@pytest.mark.parametrize("number", [2, 3, 4])
def test_after_a_crash_they_are_counted_from_the_beginning_of_the_file(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    import_id = send_file(acorn, ROWS, kind="events")
    with monkeypatch.context() as patch:
        crash_at(patch, "_take", number)
        with pytest.raises(Crashed):
            run_jobs(acorn)
    release_lost_job(acorn)
    run_jobs(acorn)
    assert counts(the_import(acorn, import_id)) == {"accepted": 10}
    assert views_of_u1(acorn) == 5


def test_events_without_a_time_are_events_each(acorn: Environment) -> None:
    text = "type,user_id,item_id\n" + "view,u1,lamp\n" * 7
    assert counts(import_file(acorn, text, kind="events")) == {"accepted": 7}
    assert views_of_u1(acorn) == 7
