"""Files of old versions go, whenever the process that deletes them dies."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

from engine.models.training import ModelVersion
from engine.services.remove_old_artifacts import artifacts_of, remove_old_artifacts
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tests.conftest import Store
from tests.engine.model_versions import add_champions, version_of

DAYS = range(1, 6)


class KilledError(BaseException):
    """What no handler takes for an error."""


@pytest.fixture
def store(acorn_store: Store, no_files: None) -> Iterator[Environment]:
    """A store with real commits and five versions that were live, of which three are kept."""
    live = acorn_store.live
    add_champions(live, *DAYS)
    for day in DAYS:
        folder = artifacts_of(live.pk) / version_of(day)
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}")
        (folder / "items.npy").write_bytes(b"")
    yield live
    with in_environment(live):
        ModelVersion.objects.all().delete()
    with on_platform():
        Environment.objects.filter(pk=live.pk).update(live_version=None)
    shutil.rmtree(artifacts_of(live.pk))


def remove(store: Environment) -> None:
    with in_environment(store):
        remove_old_artifacts(environment_id=store.pk, live_version=version_of(5))


def folders(store: Environment) -> list[str]:
    # Beside the folder of uploads.
    return sorted(path.name for path in artifacts_of(store.pk).iterdir() if len(path.name) == 26)


def removed(store: Environment) -> list[str]:
    with in_environment(store):
        gone = ModelVersion.objects.filter(artifact_removed_at__isnull=False)
        return sorted(version.version for version in gone)


def test_what_a_killed_worker_left_goes_the_next_time(
    store: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(folder: Path, *, ignore_errors: bool) -> None:
        # In the midst of the first of two.
        (folder / "manifest.json").unlink()
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", die)
        with pytest.raises(KilledError):
            remove(store)
    assert len(folders(store)) == len(DAYS)
    # Whatever became of its files, nobody can ask for a version that is marked.
    marked = removed(store)
    assert len(marked) == 2

    remove(store)
    assert folders(store) == [version_of(day) for day in DAYS if version_of(day) not in marked]
    assert removed(store) == marked


def test_a_training_that_is_rolled_back_deletes_nothing(store: Environment) -> None:
    with in_environment(store), transaction.atomic():
        remove_old_artifacts(environment_id=store.pk, live_version=version_of(5))
        transaction.set_rollback(True)
    assert len(folders(store)) == len(DAYS)
    assert removed(store) == []
