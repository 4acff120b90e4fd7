"""Stores what a training or an update made: the artifact's files, then the record of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import structlog

from engine.core.artifact import open_artifact, write_artifact
from engine.core.comparison import compare_models
from engine.core.errors import ArtifactRefused
from engine.core.gate import guard_overlap
from engine.core.lifecycle import GoingLive
from engine.services.record_trained_model import TrainedVersion, record_trained_model
from engine.services.remove_old_artifacts import artifacts_of
from tenants.context import in_environment
from tenants.errors import LeaseLostError
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob

log = structlog.get_logger()


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
        trained = _beside_the_live_one(environment, folder, trained)
        with in_environment(environment):
            return record_trained_model(
                environment_id=environment.pk, job=job, run_id=run_id, trained=trained
            )
    except LeaseLostError:
        # Of any other failure it is not known here whether the commit took place.
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _beside_the_live_one(
    environment: Environment, folder: Path, trained: TrainedVersion
) -> TrainedVersion:
    """Log how alike the lists of the new and the live model are, and guard what follows it."""
    if environment.live_version is None:
        return trained
    try:
        live = open_artifact(folder.with_name(environment.live_version), verify=False)
    except ArtifactRefused:
        return trained
    new = open_artifact(folder, verify=False)
    found = compare_models(new, live, finds={}, seed=environment.pk)
    log.info(
        "lists_compared",
        version=trained.version,
        live=environment.live_version,
        shoppers=found.overlap_users,
        overlap=round(found.overlap.value, 3),
    )
    # Another recipe may have other tastes.
    if not found.overlap_users or new.manifest["recipe"] != live.manifest["recipe"]:
        return trained
    gate = guard_overlap(trained.model.gate, overlap=found.overlap)
    return replace(trained, model=replace(trained.model, gate=gate))
