"""What an import leaves behind, and for how long."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from engine import tasks
from engine.models.imports import ImportRowError
from engine.selectors.imports import check_errors_kept
from engine.services.cancel_import import cancel_import
from engine.services.confirm_import import confirm_import
from engine.services.import_uploads import upload_path
from engine.services.remove_old_artifacts import artifacts_of
from saas.lib.errors import NotFound
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.importing import counts, import_file, run_jobs, send_file, the_import
from tests.engine.services.test_run_import import LAMPS, catalogue, staged

# One row of ten, and a bad one: too much would be deleted.
FEW = "id,title,price\nlamp-0,Lamp,1\nlamp-1,Lamp,1\nlamp-2,Lamp,1\nlamp-3,Lamp,1\nlamp-4,Lamp,x\n"


@pytest.fixture(autouse=True)
def no_uploads(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database."""
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


@pytest.fixture
def waiting(acorn: Environment) -> str:
    """A full import that waits for a word."""
    import_file(acorn, LAMPS)
    row = import_file(acorn, FEW, mode="full")
    assert (row.status, row.would_delete, staged(acorn)) == ("needs_confirmation", 5, 5)
    return row.pk


def pass_days(environment: Environment, days: float) -> None:
    """Run what is due so many days from now."""
    later = timezone.now() + timedelta(days=days)
    with time_machine.travel(later, tick=False), on_platform():
        jobs = Job.objects.filter(kind="engine.tasks.expire_import", run_after__lte=later)
        for job_id in list(jobs.filter(state="queued").values_list("pk", flat=True)):
            # The job is due by PostgreSQL's clock, which stays.
            jobs.filter(pk=job_id).update(run_after=timezone.now() - timedelta(days=100))
            tasks.expire_import(job_id=job_id, environment_id=environment.pk)


def row_error_count(environment: Environment) -> int:
    with in_environment(environment):
        return ImportRowError.objects.count()


def test_what_nobody_confirms_is_cancelled_after_a_week(acorn: Environment, waiting: str) -> None:
    pass_days(acorn, 6.9)
    assert the_import(acorn, waiting).status == "needs_confirmation"
    pass_days(acorn, 7.1)
    row = the_import(acorn, waiting)
    assert (row.status, staged(acorn), len(catalogue(acorn))) == ("cancelled", 0, 10)
    assert row.finished_at is not None
    assert row.error == (
        "Nobody confirmed within 7 days that 5 items may go. Nothing was changed; send the file "
        "again."
    )


def test_what_was_confirmed_is_not_cancelled(acorn: Environment, waiting: str) -> None:
    with in_environment(acorn):
        confirm_import(environment=acorn, import_id=waiting)
    run_jobs(acorn)
    pass_days(acorn, 8)
    row = the_import(acorn, waiting)
    assert (row.status, counts(row)["deleted"]) == ("completed", 5)
    assert row_error_count(acorn) == 1


def test_row_errors_are_kept_for_a_month(acorn: Environment) -> None:
    row = import_file(acorn, FEW)
    pass_days(acorn, 29)
    assert row_error_count(acorn) == 1
    pass_days(acorn, 31)
    assert row_error_count(acorn) == 0
    assert the_import(acorn, row.pk).errors_by_code == {"invalid_price": 1}
    with in_environment(acorn):
        check_errors_kept(row.pk)
        with (
            time_machine.travel(timezone.now() + timedelta(days=31)),
            pytest.raises(NotFound, match="were kept for 30 days"),
        ):
            check_errors_kept(row.pk)


def test_a_file_goes_when_its_import_has_ended_or_waits(acorn: Environment) -> None:
    """A commit is never reached here: what it would do is called."""
    import_file(acorn, LAMPS)
    for text, mode, status in (
        (LAMPS, "incremental", "completed"),
        ("sku,name\n", "incremental", "failed"),
        (FEW, "full", "needs_confirmation"),
    ):
        import_id = send_file(acorn, text, mode=mode)
        path = upload_path(environment_id=acorn.pk, import_id=import_id)
        assert path.exists()
        run_jobs(acorn)
        assert the_import(acorn, import_id).status == status
        for entry in connection.run_on_commit:
            if "remove_upload" in repr(entry[1]):
                entry[1]()
        assert not path.parent.exists()


def test_a_waiting_import_that_is_cancelled_needs_no_file(acorn: Environment, waiting: str) -> None:
    shutil.rmtree(artifacts_of(acorn.pk))
    with in_environment(acorn):
        cancel_import(environment=acorn, import_id=waiting)
    run_jobs(acorn)
    row = the_import(acorn, waiting)
    assert (row.status, row.error, staged(acorn)) == ("cancelled", None, 0)
