"""Quality by what is known of users and items, and by category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from engine.core.blend import Blend
from engine.core.dataset import CatalogueItem, Interactions
from engine.core.evaluator import RECALL_AT, Evaluation, evaluate
from engine.core.examination import (
    Examination,
    cold_item_examination,
    new_user_examination,
)
from engine.core.metrics import Metric, bootstrap, share
from engine.core.recipe import Recipe
from engine.core.training_part import TrainingPart

_METRICS = ("ndcg@10", "recall@20")
_MOST_USERS = 1_000
_HISTORY_LENGTHS = {"1": (1, 1), "2-4": (2, 4), "5-19": (5, 19), "20 or more": (20, np.inf)}
_MOST_CATEGORIES = 10


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


def history_strata(
    marks: Evaluation, exam: Examination, *, seed: int
) -> dict[str, dict[str, Metric]]:
    """Return the metrics of an examination's users by how many items their histories hold."""
    lengths = np.diff(exam.histories.indptr)[exam.users]
    found = {}
    for name, (least, most) in _HISTORY_LENGTHS.items():
        inside = (lengths >= least) & (lengths <= most)
        if inside.any():
            found[f"history {name}"] = {
                metric: bootstrap(marks.by_metric[metric][inside], seed=seed) for metric in _METRICS
            }
    return found


def category_strata(
    marks: Evaluation, items: Sequence[CatalogueItem], *, seed: int
) -> dict[str, dict[str, Metric]]:
    """Return what was found of all that users turned to, by the top of its category's path."""
    wanted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for row in np.flatnonzero(marks.wanted).tolist():
        for top in {path.split(">")[0].strip() for path in items[row].categories}:
            wanted[top] += int(marks.wanted[row])
            found[top] += int(marks.found[row])
    return {
        f"category: {name}": {f"recall@{RECALL_AT}": share(found[name], of=count, seed=seed)}
        for name, count in wanted.most_common(_MOST_CATEGORIES)
    }
