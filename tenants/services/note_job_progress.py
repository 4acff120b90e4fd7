"""Lets a job that goes forward in committed steps outlive any number of crashes."""

from __future__ import annotations

from django.db import connection

from tenants.context import on_platform
from tenants.services.run_job import ClaimedJob, ensure_held


def note_job_progress(job: ClaimedJob) -> None:
    """Guard a step's transaction as `ensure_held` does, and forget the attempts before it.

    An attempt counts against a job that it brought nowhere; one that committed a step did not fail.

    Parameters
    ----------
    job
        Held by this worker.

    Raises
    ------
    LeaseLostError
        Another worker holds the job now.
    """
    ensure_held(job)
    if job.attempts > 1:
        with on_platform(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tenants_job SET attempts = 1 "
                "WHERE id = %s AND fencing_token = %s AND attempts > 1",
                [job.id, job.fencing_token],
            )
