"""Deletes the files of versions that nobody can ask for any more, and what lost attempts left."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import structlog
from django.db import transaction
from django.utils import timezone

from engine.core.lifecycle import versions_to_remove
from engine.models.training import ModelVersion
from engine.selectors.models import version_records
from engine.services.import_uploads import UPLOADS
from saas.lib.config import config
from saas.lib.download_links import DOWNLOADS
from saas.lib.erasures import ERASURES
from saas.lib.trends import TRENDS

log = structlog.get_logger()


def artifacts_of(environment_id: int) -> Path:
    """Return the folder that holds an environment's artifacts, one folder per version."""
    return config().artifacts / str(environment_id)


def remove_old_artifacts(*, environment_id: int, live_version: str | None) -> None:
    """Mark versions as removed now and delete their files after the commit.

    Call it inside the environment, in the transaction of a training that still holds its job:
    nobody else trains this environment then, so a folder without a row is a lost attempt's.

    Parameters
    ----------
    environment_id, live_version
        Whose artifacts, and the one that is served.
    """
    records = version_records()
    gone = versions_to_remove(records, live_version=live_version)
    ModelVersion.objects.filter(version__in=gone).update(artifact_removed_at=timezone.now())
    kept = {record.version for record in records}.difference(gone)
    kept |= {UPLOADS, DOWNLOADS, ERASURES, TRENDS}
    folders = [path for path in artifacts_of(environment_id).iterdir() if path.name not in kept]
    if folders:
        transaction.on_commit(partial(_delete, folders))


def _delete(folders: Sequence[Path]) -> None:
    for folder in folders:
        # A process that serves from it keeps its map; a folder that is stuck waits for next time.
        shutil.rmtree(folder, ignore_errors=True)
        log.info("artifact_removed", folder=folder.name)
