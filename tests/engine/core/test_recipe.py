from __future__ import annotations

import json

import pytest

from engine.core.recipe import Recipe
from engine.core.selection import prior_recipe
from engine.core.trained_model import TrainedModel


def test_a_recipe_survives_json(acorn_model: TrainedModel) -> None:
    for recipe in (acorn_model.recipe, prior_recipe(seed=3)):
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_recipe_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 99"):
        Recipe.from_dict({**prior_recipe(seed=0).to_dict(), "format": 99})
