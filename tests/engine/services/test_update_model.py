"""A live model is brought up to date between trainings, to no shopper's and no owner's harm."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from engine import tasks
from engine.core import updater
from engine.core.artifact import open_artifact
from engine.core.gate import Guards
from engine.core.trained_model import TrainedModel
from engine.jobs import TRAINING_JOB, UPDATE_JOB
from engine.models.training import ModelVersion, TrainingRun
from engine.selectors.new_data import new_data
from engine.selectors.privacy import models_that_know
from engine.services import store_model
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.request_training import request_training
from tenants.context import in_environment, on_platform
from tenants.errors import LeaseLostError
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.model_versions import add_version, live_version
from tests.engine.privacy import erase
from tests.engine.small_store import fill_store
from tests.engine.training import train
from tests.engine.updates import (
    choose_updates,
    job_of,
    queue_update,
    run_update,
    update,
    views_after,
)


@pytest.fixture(autouse=True)
def no_artifacts(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database."""
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


@dataclass
class Trained:
    """A live model that one test has trained, for all: its files and its row."""

    folder: Path
    row: dict[str, Any] = field(default_factory=dict)

    def bring_to(self, environment: Environment) -> None:
        place = artifacts_of(environment.pk)
        if not self.row:
            assert train(environment).status == "completed"
            with in_environment(environment):
                self.row = dict(ModelVersion.objects.values().get())
            shutil.copytree(place / self.row["version"], self.folder)
            return
        shutil.copytree(self.folder, place / self.row["version"])
        with in_environment(environment):
            ModelVersion.objects.create(**self.row)
        with on_platform():
            Environment.objects.filter(pk=environment.pk).update(live_version=self.row["version"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("trained") / "model")


@pytest.fixture
def shop(acorn: Environment, monkeypatch: pytest.MonkeyPatch, trained: Trained) -> Environment:
    """Acorn with a live model, and views that it does not know yet."""
    choose_updates(monkeypatch)
    fill_store(acorn, shoppers=20, views=6)
    trained.bring_to(acorn)
    views_after(acorn)
    with on_platform():
        return Environment.objects.select_related("tenant").get(pk=acorn.pk)


def versions(environment: Environment) -> list[ModelVersion]:
    with in_environment(environment):
        return list(ModelVersion.objects.order_by("version"))


def run_of(environment: Environment, run_id: str | None) -> TrainingRun:
    with in_environment(environment):
        return TrainingRun.objects.get(pk=run_id)


def test_an_update_goes_live_in_place_of_its_parent(shop: Environment) -> None:
    run = update(shop)
    parent, version = versions(shop)
    assert (run.kind, run.status, run.stage) == ("update", "completed", "updated")
    assert run.rows == 20 * 6 + 30
    assert run.model_version == version.version
    assert live_version(shop) == (version.version, False)
    assert version.parent == parent.version
    assert "30 newer events" in version.reason
    assert version.metrics == parent.metrics
    assert version.counts["events"] == 20 * 6 + 30
    artifact = open_artifact(artifacts_of(shop.pk) / version.version, verify=True)
    assert artifact.newest_seconds > parent.data_window["newest"]
    assert update(shop).stage == "nothing new"
    assert live_version(shop) == (version.version, False)


def test_an_update_of_a_store_that_grew_by_half_becomes_a_training(shop: Environment) -> None:
    views_after(shop, count=61)
    with in_environment(shop):
        # The shop's own training, where this test is the first to need it.
        TrainingRun.objects.update(created_at=timezone.now() - timedelta(hours=7))
    run_id = queue_update(shop)
    run_update(shop)
    run = run_of(shop, run_id)
    assert (run.kind, run.status) == ("training", "queued")
    assert job_of(shop).kind == TRAINING_JOB
    assert len(versions(shop)) == 1


def test_an_update_that_shows_quite_other_items_stays_behind(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_up_to_date = updater.update_model

    def rename(**arguments: Any) -> TrainedModel | None:
        model = bring_up_to_date(**arguments)
        assert model is not None
        others = [f"not {item_id}" for item_id in model.tables.item_ids]
        return replace(model, tables=replace(model.tables, item_ids=others))

    monkeypatch.setattr(updater, "update_model", rename)
    before = live_version(shop)
    update(shop)
    assert live_version(shop) == before
    assert "newer events alone do not explain" in versions(shop)[-1].reason


def test_a_drift_that_the_last_training_did_not_mend_waits(shop: Environment) -> None:
    views_after(shop, count=61)
    with in_environment(shop):
        TrainingRun.objects.create(
            id="0", status="completed", created_at=timezone.now() - timedelta(hours=5)
        )
    assert update(shop).stage == "updated"
    assert len(versions(shop)) == 2


def test_an_update_is_followed_by_another(shop: Environment) -> None:
    update(shop)
    views_after(shop, count=60)
    assert update(shop).status == "completed"
    first, second, third = versions(shop)
    assert (second.parent, third.parent) == (first.version, second.version)


def test_a_pinned_version_stays_live_whatever_comes_of_an_update(shop: Environment) -> None:
    live, _ = live_version(shop)
    with on_platform():
        Environment.objects.filter(pk=shop.pk).update(is_pinned=True)
    update(shop)
    assert live_version(shop) == (live, True)
    assert "pinned" in versions(shop)[-1].reason


def test_a_version_that_went_live_meanwhile_is_not_replaced(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = add_version(shop, day=9)
    learn = updater.update_model

    def promote_another(**arguments: Any) -> TrainedModel | None:
        with on_platform():
            Environment.objects.filter(pk=shop.pk).update(live_version=other)
        return learn(**arguments)

    monkeypatch.setattr(updater, "update_model", promote_another)
    update(shop)
    assert live_version(shop) == (other, False)
    reasons = [version.reason for version in versions(shop)]
    assert any("changed during" in reason for reason in reasons)


def test_what_the_guards_refuse_is_kept_but_not_served(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, _ = live_version(shop)
    guards = Guards(is_finite=False, coverage=1.0, n_bytes=0)
    monkeypatch.setattr(updater, "guards_of", lambda *_args, **_kwargs: guards)
    update(shop)
    assert live_version(shop) == (live, False)
    assert versions(shop)[-1].verdict == "rejected"
    assert "invalid numbers" in versions(shop)[-1].reason


def test_numbers_that_ran_off_end_the_run_with_a_reason(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(**_arguments: Any) -> TrainedModel:
        raise ValueError("Not all estimated parameters are finite.")

    live, _ = live_version(shop)
    monkeypatch.setattr(updater, "update_model", diverge)
    run = update(shop)
    assert (run.status, live_version(shop)[0]) == ("failed", live)
    assert run.error is not None
    assert "live model stays" in run.error


@pytest.mark.parametrize("missing", ["state.arrays", ""], ids=["its state", "all"])
def test_a_base_whose_files_are_away_is_trained_anew(shop: Environment, missing: str) -> None:
    live, _ = live_version(shop)
    folder = artifacts_of(shop.pk) / str(live)
    if missing:
        (folder / missing).unlink()
    else:
        shutil.rmtree(folder)
    run_id = queue_update(shop)
    run_update(shop)
    job = job_of(shop)
    assert (job.kind, job.state) == (TRAINING_JOB, "queued")
    run = run_of(shop, run_id)
    assert (run.kind, run.status) == ("training", "queued")
    with on_platform():
        tasks.train_model(job_id=job.pk, environment_id=shop.pk)
    assert run_of(shop, run_id).status == "completed"
    assert live_version(shop)[0] == versions(shop)[-1].version != live


def test_a_live_model_that_is_not_to_be_updated_is_left_alone(shop: Environment) -> None:
    with on_platform():
        Environment.objects.filter(pk=shop.pk).update(live_version=None)
    assert update(shop).stage == "nothing new"
    assert len(versions(shop)) == 1


def test_a_training_that_is_asked_for_takes_the_place_of_an_update(shop: Environment) -> None:
    run_id = queue_update(shop)
    with in_environment(shop):
        assert request_training(environment=shop) == run_id
        assert request_training(environment=shop) == run_id
    assert job_of(shop).kind == TRAINING_JOB
    assert run_of(shop, run_id).kind == "training"
    assert queue_update(shop) is None


def test_an_update_that_a_training_replaced_commits_nothing(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = updater.update_model

    def ask_for_a_training(**arguments: Any) -> TrainedModel | None:
        with in_environment(shop):
            request_training(environment=shop)
        return learn(**arguments)

    live, _ = live_version(shop)
    monkeypatch.setattr(updater, "update_model", ask_for_a_training)
    run = update(shop)
    assert (run.kind, run.status) == ("training", "queued")
    assert live_version(shop) == (live, False)
    assert len(versions(shop)) == 1
    assert [path.name for path in artifacts_of(shop.pk).iterdir()] == [live]
    assert (job_of(shop).kind, job_of(shop).state) == (TRAINING_JOB, "queued")


def test_an_update_waits_for_a_training_that_runs(shop: Environment) -> None:
    with in_environment(shop):
        request_training(environment=shop)
    with on_platform():
        Job.objects.filter(pk=job_of(shop).pk).update(state="running")
    assert queue_update(shop) is None


def test_an_update_whose_worker_was_killed_is_done_once_by_the_next(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**_arguments: Any) -> None:
        raise LeaseLostError("The worker was killed here.")

    live, _ = live_version(shop)
    run_id = queue_update(shop)
    with monkeypatch.context() as killing:
        killing.setattr(store_model, "record_trained_model", die)
        run_update(shop)
    assert live_version(shop) == (live, False)
    with on_platform():
        Job.objects.filter(pk=job_of(shop).pk, kind=UPDATE_JOB).update(state="queued")
    run_update(shop)
    assert run_of(shop, run_id).status == "completed"
    assert len(versions(shop)) == 2
    assert {path.name for path in artifacts_of(shop.pk).iterdir()} == {
        version.version for version in versions(shop)
    }


def test_who_was_erased_before_an_update_counts_as_known_by_it(shop: Environment) -> None:
    receipt = erase(shop, user_id="u1")
    update(shop)
    parent, version = versions(shop)
    with in_environment(shop):
        known = models_that_know(receipt.change_seq or 0)
    assert known == [parent.version, version.version]
    assert version.change_seq == parent.change_seq
    artifact = open_artifact(artifacts_of(shop.pk) / version.version, verify=True)
    assert artifact.user_keys.find("u:u1") is None
    assert artifact.user_keys.find("u:u2") is not None


def test_an_update_does_not_stand_in_for_the_nights_training(shop: Environment) -> None:
    update(shop)
    with in_environment(shop):
        assert new_data().is_new
