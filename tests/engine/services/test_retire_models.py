"""Models that hold erased shoppers are gone by the day that the receipts name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from engine.jobs import RETIREMENT_JOB
from engine.models.training import ModelVersion, TrainingRun
from engine.selectors.new_data import new_data
from engine.selectors.privacy import MODELS_KEPT
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.retire_models import TRAINED_AHEAD
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.model_versions import add_champions, add_version, live_version
from tests.engine.privacy import erase, run_jobs, take_in, view

# Of a model that has read everything.
ALL = 1_000_000


@pytest.fixture(autouse=True)
def no_artifacts(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database."""
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


def jobs(environment: Environment) -> list[Job]:
    """Return the looks to come, the final one last."""
    with on_platform():
        return list(
            Job.objects.filter(environment=environment, kind=RETIREMENT_JOB).order_by("run_after")
        )


def take_the_first_look(environment: Environment) -> None:
    """Run what is due some days before the end."""
    early, _ = jobs(environment)
    with on_platform():
        Job.objects.exclude(pk=early.pk).filter(kind=RETIREMENT_JOB).update(state="done")
    run_jobs(environment, RETIREMENT_JOB)


def take_the_last_look(environment: Environment) -> None:
    """Run what is due at the end."""
    early, _ = jobs(environment)
    with on_platform():
        Job.objects.filter(pk=early.pk).update(state="done")
    run_jobs(environment, RETIREMENT_JOB)


def kept(environment: Environment) -> set[str]:
    with in_environment(environment):
        stored = ModelVersion.objects.filter(artifact_removed_at=None)
        return set(stored.values_list("version", flat=True))


def is_training_queued(environment: Environment) -> bool:
    with in_environment(environment):
        return TrainingRun.objects.filter(status="queued").exists()


def test_the_looks_of_a_day_come_once_and_before_the_end(acorn: Environment) -> None:
    receipts = [erase(acorn, user_id=name) for name in ("ada", "ben")]
    early, late = jobs(acorn)
    assert late.run_after <= min(each.created_at for each in receipts) + MODELS_KEPT
    assert late.run_after > receipts[1].created_at + MODELS_KEPT - timedelta(days=1)
    assert late.run_after - early.run_after == TRAINED_AHEAD


def test_a_store_that_serves_an_old_model_gets_a_training_in_time(acorn: Environment) -> None:
    versions = add_champions(acorn, 1)
    erase(acorn, user_id="ada")
    take_the_first_look(acorn)
    assert is_training_queued(acorn)
    assert kept(acorn) == set(versions)


def test_a_store_that_serves_a_newer_model_needs_none(acorn: Environment) -> None:
    add_champions(acorn, 1)
    with in_environment(acorn):
        ModelVersion.objects.update(change_seq=ALL)
    erase(acorn, user_id="ada")
    take_the_first_look(acorn)
    assert not is_training_queued(acorn)


def test_in_the_end_the_newest_model_without_them_is_served_pinned_or_not(
    acorn: Environment,
) -> None:
    old = add_champions(acorn, 1, 2)
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(is_pinned=True)
    newer = add_version(acorn, day=3, change_seq=ALL)
    rejected = add_version(acorn, day=4, change_seq=ALL, verdict="rejected")
    for version in (*old, newer):
        (artifacts_of(acorn.pk) / version).mkdir(parents=True)
    erase(acorn, user_id="ada")
    take_the_last_look(acorn)
    assert live_version(acorn) == (newer, False)
    assert kept(acorn) == {newer, rejected}
    folders = {each.name for each in artifacts_of(acorn.pk).iterdir() if each.is_dir()}
    assert folders == {newer}


def test_without_any_other_model_none_is_served(acorn: Environment) -> None:
    add_champions(acorn, 1)
    erase(acorn, user_id="ada")
    take_the_last_look(acorn)
    assert live_version(acorn) == (None, False)
    assert kept(acorn) == set()


def test_who_was_erased_later_has_time_left(acorn: Environment) -> None:
    erase(acorn, user_id="ada")
    version = add_version(acorn, day=1, change_seq=ALL)
    take_the_last_look(acorn)
    assert kept(acorn) == {version}


def test_an_erasure_is_a_reason_to_train_tonight(acorn: Environment) -> None:
    take_in(acorn, view(0, user_id="ada"), view(0, user_id="ben"))
    with in_environment(acorn):
        TrainingRun.objects.create(id="0" * 26, created_at=timezone.now())
        assert not new_data().is_new
    erase(acorn, user_id="ada")
    with in_environment(acorn):
        assert new_data().is_new
