"""Quality by what is known: users with a past, users without one, items without events."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.blend import Blend
from engine.core.dataset import Interactions
from engine.core.evaluator import evaluate
from engine.core.examination import cold_item_examination, new_user_examination
from engine.core.metrics import Metric
from engine.core.recipe import Recipe
from engine.core.training_part import TrainingPart

_METRICS = ("ndcg@10", "recall@20")
_MOST_USERS = 1_000


def strata_metrics(
    blend: Blend,
    recipe: Recipe,
    part: TrainingPart,
    later: Interactions,
    *,
    warm: Mapping[str, Metric] | None,
    seed: int,
) -> dict[str, dict[str, Metric]]:
    """Return the metrics of each stratum that somebody belongs to.

    Parameters
    ----------
    blend : Blend
        Of the recipe, fitted on the part.
    recipe : Recipe
    part : TrainingPart
    later : Interactions
        The test window.
    warm : mapping of str to Metric or None
        What the examination of users with a past has found already.
    seed : int
    """
    exams = {
        "new_user": (
            blend,
            new_user_examination(part, later, most_users=_MOST_USERS, seed=seed),
        ),
        "cold_item": (
            blend.for_type("new_items"),
            cold_item_examination(part, later, most_users=_MOST_USERS, seed=seed),
        ),
    }
    found = {} if warm is None else {"warm": {name: warm[name] for name in _METRICS}}
    for stratum, (speaking, exam) in exams.items():
        if len(exam.users):
            marks = evaluate(speaking, exam, half_life_days=recipe.history_half_life_days)
            metrics = marks.metrics(seed=seed)
            found[stratum] = {name: metrics[name] for name in _METRICS}
    return found
