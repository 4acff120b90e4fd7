"""Imports as a store's developer starts them and a worker runs them, without HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import OperationalError

from engine import tasks
from engine.models.imports import Import, ImportRowError
from engine.services.import_uploads import Upload
from engine.services.start_import import start_import
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job


def send_file(
    environment: Environment,
    text: str | bytes,
    *,
    kind: str = "items",
    mode: str = "incremental",
    dry_run: bool = False,
    mapping: Mapping[str, str] | None = None,
    time_zone: str | None = None,
) -> str:
    """Put a file into the store, queue its import, and return the import's id."""
    with Upload(environment_id=environment.pk) as upload:
        upload.write(text.encode() if isinstance(text, str) else text)
        upload.finish()
        with in_environment(environment):
            start_import(
                environment=environment,
                import_id=upload.import_id,
                kind=kind,
                file_format="auto",
                mode=mode,
                is_dry_run=dry_run,
                time_zone=time_zone,
                mapping=mapping or {},
            )
        upload.keep()
    return upload.import_id


def run_jobs(environment: Environment) -> None:
    """Run what is queued, as a worker would."""
    with on_platform():
        jobs = Job.objects.filter(
            environment=environment, kind="engine.tasks.run_import", state="queued"
        )
        for job_id in list(jobs.values_list("pk", flat=True)):
            tasks.run_import(job_id=job_id, environment_id=environment.pk)


def import_file(environment: Environment, text: str | bytes, **options: object) -> Import:
    """Import a file from beginning to end."""
    import_id = send_file(environment, text, **options)  # type: ignore[arg-type]
    run_jobs(environment)
    return the_import(environment, import_id)


@contextmanager
def lost_after_the_commit(environment: Environment) -> Iterator[None]:
    """Stand in for `in_environment` where PostgreSQL commits an import and dies unheard."""
    with in_environment(environment):
        yield
        is_committed = Import.objects.exists()
    if is_committed:
        raise OperationalError("the connection is lost")


def the_import(environment: Environment, import_id: str) -> Import:
    with in_environment(environment):
        return Import.objects.get(pk=import_id)


def row_errors(environment: Environment) -> list[tuple[int, str, str, str]]:
    """Return line, column, value and code of each bad row."""
    with in_environment(environment):
        rows = ImportRowError.objects.order_by("pk")
        return list(rows.values_list("line", "column", "value", "code"))


def counts(row: Import) -> dict[str, int]:
    """Return the counters that are not zero."""
    names = (
        "accepted",
        "created",
        "updated",
        "unchanged",
        "duplicates",
        "deleted",
        "stale",
        "rejected",
    )
    return {name: getattr(row, name) for name in names if getattr(row, name)}
