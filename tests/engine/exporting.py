"""Exports as a store's developer asks for them and a worker writes them, without HTTP."""

from __future__ import annotations

from engine import tasks
from engine.selectors.exports import download_of_export, export_of
from engine.services.request_export import Lists, request_export
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.models.job import Job


def write_export(
    environment: Environment,
    *,
    kind: str,
    file_format: str = "csv",
    user_ids: list[str] | None = None,
    length: int = 10,
) -> Export:
    """Ask for an export and run its job, as a worker would."""
    lists = Lists(user_ids, length) if kind == "recommendations" else None
    with in_environment(environment):
        export = request_export(
            environment=environment, kind=kind, file_format=file_format, lists=lists
        )
    with on_platform():
        job = Job.objects.get(payload__export_id=export.pk)
        tasks.run_export(job_id=job.pk, environment_id=environment.pk)
    return export_of(environment_id=environment.pk, export_id=export.pk)


def content_of(export: Export) -> bytes:
    return download_of_export(export).path.read_bytes()
