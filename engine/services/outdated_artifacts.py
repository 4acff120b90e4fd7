"""Whether a version's files are of a format that a release has left behind."""

from __future__ import annotations

from engine.core.array_folder import read_manifest
from engine.core.artifact import FORMAT
from engine.core.errors import ArtifactRefused
from engine.services.remove_old_artifacts import artifacts_of


def has_outdated_artifact(environment_id: int, version: str | None) -> bool:
    """Say whether a version's files are there, in a format older than what is read.

    Newer ones are none: while a release is rolled out, the next one's models come already.
    """
    if version is None:
        return False
    try:
        format_ = read_manifest(artifacts_of(environment_id) / version).get("format")
    except ArtifactRefused:
        return False
    return isinstance(format_, int) and format_ < FORMAT
