from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.core.dataset import Dataset
from engine.core.recipe import LightFMSettings, Recipe, UpdateSettings
from engine.core.selection import prior_recipe
from engine.core.trained_model import TrainedModel
from engine.core.training_part import training_part


def test_a_recipe_survives_json(acorn_model: TrainedModel, birch_store: Dataset) -> None:
    prior = prior_recipe(training_part(birch_store, birch_store.interactions), seed=3)
    for recipe in (acorn_model.recipe, prior):
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_how_a_recipe_is_updated_survives_json_and_is_not_compared(
    acorn_model: TrainedModel,
) -> None:
    updated = replace(acorn_model.recipe, update=UpdateSettings(epochs=3))
    assert updated == replace(acorn_model.recipe, update=None)
    written = json.loads(json.dumps(updated.to_dict()))
    assert Recipe.from_dict(written).update == UpdateSettings(epochs=3)
    # As trainings wrote it before there were updates.
    del written["update"]
    assert Recipe.from_dict(written).update is None


def test_lightfm_of_a_recipe_from_before_there_was_a_choice_means_what_it_did(
    acorn_model: TrainedModel,
) -> None:
    lightfm = LightFMSettings(64, 0.05, 0.0, 2.0, 10, 0.0, 0, None)
    written = replace(acorn_model.recipe, lightfm=lightfm).to_dict()
    for later in ("knows_popularity", "max_sampled"):
        del written["lightfm"][later]
    read = Recipe.from_dict(written).lightfm
    assert read is not None
    assert (read.knows_popularity, read.max_sampled) == (False, 10)


def test_a_recipe_of_another_format_is_refused(acorn_model: TrainedModel) -> None:
    with pytest.raises(ValueError, match="format 99"):
        Recipe.from_dict({**acorn_model.recipe.to_dict(), "format": 99})
