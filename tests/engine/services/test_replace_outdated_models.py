"""After a release with a new format of artifacts: the live model is followed by one of today."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from engine.core.artifact import FORMAT, open_artifact
from engine.core.errors import ArtifactRefused
from engine.models.training import ModelVersion, TrainingRun
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.replace_outdated_models import replace_outdated_models
from engine.services.request_training import request_training
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tests.engine.model_versions import live_version
from tests.engine.small_store import fill_store
from tests.engine.training import run_training, train


def look() -> None:
    replace_outdated_models(after_id=0, most=100)


def change_manifest(environment: Environment, **members: object) -> None:
    """Rewrite the live version's manifest as another release would have written it."""
    version, _ = live_version(environment)
    path = artifacts_of(environment.pk) / str(version) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | members))


def runs(environment: Environment) -> int:
    with in_environment(environment):
        return TrainingRun.objects.count()


def let_pass(environment: Environment, time: timedelta) -> None:
    with in_environment(environment):
        TrainingRun.objects.update(created_at=timezone.now() - time)


@pytest.fixture
def shop(acorn: Environment) -> Environment:
    """Acorn with a model that an earlier release trained two hours ago."""
    fill_store(acorn, shoppers=20, views=4)
    train(acorn)
    let_pass(acorn, timedelta(hours=2))
    change_manifest(acorn, format=FORMAT - 1)
    return acorn


@pytest.mark.parametrize(
    "decided", [{}, {"is_pinned": True}, {"auto_promote": False}, {"auto_train": "off"}], ids=str
)
def test_a_model_of_an_older_format_is_replaced_whatever_the_store_decided_about_it(
    shop: Environment, decided: dict[str, Any]
) -> None:
    with on_platform():
        Environment.objects.filter(pk=shop.pk).update(**decided)
    before, _ = live_version(shop)
    look()
    run = run_training(shop)
    after, _ = live_version(shop)
    assert after == run.model_version != before
    artifact = open_artifact(artifacts_of(shop.pk) / str(after), verify=True)
    # It was not compared with what nobody is served.
    assert "champion" not in artifact.manifest["baselines"]
    with in_environment(shop):
        reason = ModelVersion.objects.get(pk=after).reason
    assert reason.endswith("The version before it could no longer be opened.")
    look()
    assert runs(shop) == 2


def test_a_training_that_came_to_nothing_is_tried_again_after_an_hour(shop: Environment) -> None:
    let_pass(shop, timedelta(minutes=59))
    look()
    assert runs(shop) == 1
    let_pass(shop, timedelta(minutes=61))
    look()
    look()
    assert runs(shop) == 2


@pytest.mark.parametrize("format_", [FORMAT, FORMAT + 1, None])
def test_models_of_today_and_of_the_next_release_are_left_alone(
    shop: Environment, format_: int | None
) -> None:
    change_manifest(shop, format=format_)
    look()
    assert runs(shop) == 1


def test_a_model_whose_files_are_elsewhere_is_left_alone(shop: Environment) -> None:
    version, _ = live_version(shop)
    folder = artifacts_of(shop.pk) / str(version)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(ArtifactRefused):
        open_artifact(folder, verify=True)
    look()
    assert runs(shop) == 1


def test_a_training_that_somebody_asked_for_is_enough(shop: Environment) -> None:
    with in_environment(shop):
        request_training(environment=shop)
    look()
    assert runs(shop) == 2
