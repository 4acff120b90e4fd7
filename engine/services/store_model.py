"""Stores what a training or an update made: the artifact's files, then the record of them."""

from __future__ import annotations

import shutil

from engine.core.artifact import write_artifact
from engine.core.lifecycle import GoingLive
from engine.services.record_trained_model import TrainedVersion, record_trained_model
from engine.services.remove_old_artifacts import artifacts_of
from tenants.context import in_environment
from tenants.errors import LeaseLostError
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob


def store_model(
    *, environment: Environment, job: ClaimedJob, run_id: str, trained: TrainedVersion
) -> GoingLive:
    """Write the artifact and record the version; opens its own transaction.

    Parameters
    ----------
    environment, job, run_id
        Whose training, in which job and run.
    trained
        What came of it.

    Returns
    -------
    GoingLive
        Whether it is live now, and why.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over; nothing of this attempt remains.
    """
    folder = artifacts_of(environment.pk) / trained.version
    try:
        write_artifact(
            folder=folder,
            model=trained.model,
            environment_id=environment.pk,
            version=trained.version,
            change_seq=trained.change_seq,
            created_at=trained.trained_at,
        )
        with in_environment(environment):
            return record_trained_model(
                environment_id=environment.pk, job=job, run_id=run_id, trained=trained
            )
    except LeaseLostError:
        # Of any other failure it is not known here whether the commit took place.
        shutil.rmtree(folder, ignore_errors=True)
        raise
